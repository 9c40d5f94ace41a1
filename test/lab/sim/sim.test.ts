// A hundred short seeds of the simulation, every one under faults. CI runs hundreds of longer ones; many more, and the check
// by mutations, are `npm run sim`.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MUTATIONS } from './mutations/mutations.ts';
import { simulate } from './simulate.ts';

const SEEDS = 100;
const CHANGES = 6;
const REPLAYED_CHANGES = 25;
/** Four seconds of work, on a machine that may have other things to do. */
const LOADED_MACHINE_MS = 180_000;
const ROOT = join(import.meta.dirname, '../../..');

const { stackTraceLimit } = Error;
// Errors are thrown by the thousand, and their stacks are not read.
beforeAll(() => {
  Error.stackTraceLimit = 0;
});
afterAll(() => {
  Error.stackTraceLimit = stackTraceLimit;
});

describe('the simulation', () => {
  it(
    `holds every invariant over ${SEEDS} seeds`,
    async () => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const { violation, trace } = await simulate({ seed, changes: CHANGES });
        expect(violation, `seed ${seed}, --changes ${CHANGES}\n${trace.join('\n')}`).toBeNull();
      }
    },
    LOADED_MACHINE_MS,
  );

  it('replays a seed step by step', async () => {
    const run = () => simulate({ seed: 4_711, changes: REPLAYED_CHANGES });
    const [first, second] = [await run(), await run()];
    expect(first.steps).toBeGreaterThan(100);
    expect(second).toEqual(first);
    expect((await simulate({ seed: 4_712, changes: REPLAYED_CHANGES })).hash).not.toBe(first.hash);
  });

  it.each(MUTATIONS)('finds what it would break: $rule', ({ file, find }) => {
    const text = readFileSync(join(ROOT, file), 'utf8');
    expect(text.split(find)).toHaveLength(2);
  });
});
