import { expect, it } from 'vitest';
import { parseConfig } from '../../../agent/config/config.ts';
import { DEFAULT_WORKERS_MAX, defaultWorkers } from '../../../agent/config/default-workers.ts';

const MIB = 1024 * 1024;

it.each([
  ['a machine of two cores', 2, 16_384, 2],
  ['one core', 1, 16_384, 1],
  ['many cores, of which no more are used unasked', 64, 65_536, DEFAULT_WORKERS_MAX],
  ['many cores in a container of 512 MB', 16, 512, 2],
  ['a container of 256 MB', 4, 256, 1],
  ['a machine that says nothing', 1, 0, 1],
])('%s', (_, cores, mib, workers) => {
  expect(defaultWorkers({ cores, memoryBytes: mib * MIB })).toBe(workers);
});

it('is what the settings say where they say something', () => {
  const machine = { cores: 2, memoryBytes: Number.POSITIVE_INFINITY };
  const workers = (env: Record<string, string>) => parseConfig(env, () => '', null, machine).workers;
  expect([workers({}), workers({ AGENT_WORKERS: '1' }), workers({ AGENT_WORKERS: '9' })]).toEqual([2, 1, 9]);
});
