import { describe, expect, it } from 'vitest';
import type { Override } from '../../../agent/decisions/overrides.ts';
import {
  GROWN_UP_MS,
  Pool,
  RESTART_FIRST_MS,
  RESTART_MAX_MS,
  START_TIMEOUT_MS,
} from '../../../agent/workers/pool.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { KEY, MemoryLog, settled } from '../support/fakes.ts';
import { FakeProcesses } from './processes.ts';

const OVERRIDE: Override = { sdkKey: KEY, userId: 'u', experimentKey: 'e', variationKey: 'v' };

function setUp(count = 2) {
  const clock = new ManualClock();
  const log = new MemoryLog();
  const processes = new FakeProcesses();
  const profile = (i: number) => ({
    sdkKey: KEY,
    service: 'in-memory',
    profile: { user_id: `u${i}`, experiment_bucket_map: {} },
  });
  const pool = new Pool({
    ...{ count, clock, log, spawn: processes.spawn },
    answersFor: () => ({}) as never,
    newsFor: () => ({}) as never,
    beginningFor: ({ worker }) => ({ worker, config: {} as never, overrides: [OVERRIDE], datafiles: [] }),
    profiles: () => Array.from({ length: 1_500 }, (_, i) => profile(i)),
    onJoined: () => {},
    onGone: () => {},
  });
  const states = () => pool.places().map(({ live }) => live?.state ?? 'dead');
  return { pool, clock, log, processes, states };
}

describe('a pool of workers', () => {
  it('listens when the first of them does, after it was given all there is', async () => {
    const { pool, processes, states } = setUp();
    const listening = pool.start();
    expect(states()).toEqual(['starting', 'starting']);
    processes.all[1]?.hello();
    expect(await listening).toBe(8080);
    expect(states()).toEqual(['starting', 'serving']);
    expect(processes.all[1]?.names()).toEqual(['begin', 'profiles', 'profiles', 'listen']);
    expect(processes.all[1]?.heard[0]?.arg).toMatchObject({ worker: 2, overrides: [OVERRIDE] });
  });

  it('fails when the first cannot have the port', async () => {
    const { pool, processes } = setUp();
    const listening = pool.start();
    for (const one of processes.all) one.answers.listen = () => Promise.reject(new Error('EADDRINUSE'));
    for (const one of processes.all) one.hello();
    await expect(listening).rejects.toThrow('EADDRINUSE');
  });

  it('replaces a dead one, with more patience the more of them die young', async () => {
    const { pool, clock, log, processes } = setUp(1);
    void pool.start();
    for (let waitMs = RESTART_FIRST_MS; waitMs < RESTART_MAX_MS; waitMs *= 2) {
      const before = processes.all.length;
      processes.last.die('exit code 7');
      clock.advance(waitMs - 1);
      expect(processes.all).toHaveLength(before);
      clock.advance(1);
      expect(processes.all).toHaveLength(before + 1);
    }
    processes.last.die();
    clock.advance(RESTART_MAX_MS);
    const before = processes.all.length;
    clock.advance(GROWN_UP_MS);
    processes.last.die();
    clock.advance(RESTART_FIRST_MS);
    expect(processes.all).toHaveLength(before + 1);
    expect(log.of('worker.exited')[0]?.fields).toMatchObject({
      ...{ worker: 1, code: 'WORKER_FAILED', waitMs: RESTART_FIRST_MS },
      error: expect.stringContaining('exit code 7'),
    });
    expect(pool.places()[0]?.restarts).toBeGreaterThan(5);
  });

  it('replaces one that never comes to listen', () => {
    const { pool, clock, log, processes } = setUp(1);
    void pool.start();
    clock.advance(START_TIMEOUT_MS);
    expect(processes.all[0]?.killed).toBe(true);
    expect(log.of('worker.replaced')).toHaveLength(1);
  });

  it('lets them finish, and starts none again', async () => {
    const { pool, clock, processes } = setUp();
    const listening = pool.start();
    processes.all[0]?.hello();
    await listening;
    await pool.stop();
    expect(processes.all[0]?.names().at(-1)).toBe('stop');
    expect(processes.all.map(({ ended, killed }) => ({ ended, killed }))).toEqual([
      { ended: true, killed: false },
      // It had not begun: there was nothing to finish.
      { ended: false, killed: true },
    ]);
    clock.advance(RESTART_MAX_MS);
    expect(processes.all).toHaveLength(2);
  });

  it('a pool of workers does not wait for ever for one that does not finish', async () => {
    const { pool, clock, processes } = setUp(1);
    const listening = pool.start();
    processes.last.answers.stop = () => new Promise<null>(() => {});
    processes.last.hello();
    await listening;
    const stopped = pool.stop();
    await settled();
    clock.advance(60_000);
    await stopped;
    expect(processes.last.killed).toBe(true);
  });
});
