import { describe, expect, it } from 'vitest';
import { Keys } from '../../../agent/datafiles/keys/keys.ts';
import { Store } from '../../../agent/datafiles/store.ts';
import {
  FIRST_WORKER_WAIT_MS,
  OFFER_TIMEOUT_MS,
  offerOfHeld,
  WorkerBroadcast,
} from '../../../agent/workers/broadcast.ts';
import type { DatafileOffer } from '../../../agent/workers/messages.ts';
import { workersReport } from '../../../agent/workers/metrics/workers-report.ts';
import { Pool } from '../../../agent/workers/pool.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { candidateOf, datafileOf, KEY, MemoryLog, settled } from '../support/fakes.ts';
import { type FakeProcess, FakeProcesses } from './processes.ts';

/** A store whose datafiles are built by two workers. */
function setUp() {
  const clock = new ManualClock();
  const log = new MemoryLog();
  const processes = new FakeProcesses();
  const broadcast: WorkerBroadcast = new WorkerBroadcast(clock, () => pool);
  const store = new Store<null>({
    builder: broadcast,
    clock,
    onAccepted: (held) => broadcast.accepted(held),
  });
  const pool = new Pool({
    ...{ count: 2, clock, log, spawn: processes.spawn },
    answersFor: () => ({}) as never,
    newsFor: () => ({}) as never,
    beginningFor: ({ worker }) => {
      const held = store.get(KEY);
      const datafiles = held === null ? [] : [offerOfHeld(held)];
      return { worker, config: {} as never, overrides: [], datafiles };
    },
    profiles: () => [],
    onJoined: () => broadcast.joined(),
    onGone: (worker) => broadcast.gone(worker),
  });
  const keys = new Keys({
    ...{ configured: [{ sdkKey: KEY, accessToken: null }], onDemandMax: 0, nowMs: () => clock.nowMs() },
    follow: async () => store.watch(KEY),
    unfollow: () => {},
    vouch: async () => 'denied',
    refusal: () => null,
  });
  keys.start();
  pool.start().catch(() => {});
  const report = () => workersReport(pool, keys, store, () => false);
  const [one, other] = processes.all as [FakeProcess, FakeProcess];
  return { clock, log, store, pool, processes, report, one, other };
}

const offers = (child: FakeProcess): number[] =>
  child.heard.filter(({ name }) => name === 'offer').map(({ arg }) => (arg as DatafileOffer).seq);

describe('datafiles on their way to the workers', () => {
  it('reach all of them, with metadata and exact bytes, and begin to serve when they do there', async () => {
    const { store, one, other, report } = setUp();
    one.hello();
    other.hello();
    await settled();
    expect(report()).toMatchObject({ serving: 2, ready: false });
    expect(await store.offer(candidateOf(3))).toEqual({ kind: 'accepted' });
    expect(store.get(KEY)).toMatchObject({ seq: 3, revision: 3, projectId: '10001' });
    for (const child of [one, other]) {
      const offer = child.heard.at(-1)?.arg as DatafileOffer;
      expect(offer).toMatchObject({ sdkKey: KEY, seq: 3, source: 'nats', fromRecord: false });
      expect(Buffer.from(offer.body).equals(datafileOf(3).body)).toBe(true);
    }
    expect(report()).toMatchObject({ ready: true, whole: true });
  });

  it('wait for the first worker at the start', async () => {
    const { store, one } = setUp();
    const outcome = store.offer(candidateOf(1));
    await settled();
    one.hello();
    expect(await outcome).toEqual({ kind: 'accepted' });
  });

  it('datafiles on their way to the workers are offered again later where there is no worker at all', async () => {
    const { store, clock } = setUp();
    const outcome = store.offer(candidateOf(1));
    await settled();
    clock.advance(FIRST_WORKER_WAIT_MS);
    expect(await outcome).toMatchObject({ kind: 'rejected', code: 'WORKERS_UNAVAILABLE', final: false });
  });

  it('datafiles on their way to the workers are refused for good when the workers refuse them', async () => {
    const { store, one, other, processes } = setUp();
    for (const child of [one, other]) {
      child.answers.offer = () => ({
        kind: 'refused',
        refusal: { code: 'DATAFILE_UNLOADABLE', message: 'cannot be loaded', remedy: 'publish again' },
      });
      child.hello();
    }
    await settled();
    expect(await store.offer(candidateOf(1))).toMatchObject({
      ...{ kind: 'rejected', code: 'DATAFILE_UNLOADABLE', final: true },
      error: { message: 'cannot be loaded', remedy: 'publish again' },
    });
    expect(store.get(KEY)).toBeNull();
    expect(processes.all.filter(({ killed }) => killed)).toEqual([]);
  });

  it('replace a worker that refuses what others serve', async () => {
    const { store, one, other, log } = setUp();
    one.answers.offer = () => ({
      kind: 'refused',
      refusal: { code: 'X', message: 'out of memory', remedy: '' },
    });
    one.hello();
    other.hello();
    await settled();
    expect(await store.offer(candidateOf(1))).toEqual({ kind: 'accepted' });
    expect([one.killed, other.killed]).toEqual([true, false]);
    expect(log.of('worker.replaced')[0]?.fields).toMatchObject({ worker: 1 });
  });

  it('datafiles on their way to the workers do not wait long for a worker that hangs, once; health says that it is behind', async () => {
    const { store, one, other, clock, report } = setUp();
    let release = () => {};
    const hang = new Promise<void>((resolve) => {
      release = resolve;
    });
    one.answers.offer = ({ revision }) =>
      hang.then(() => ({ kind: 'serves', revision, projectId: '10001' }) as const);
    one.hello();
    other.hello();
    await settled();
    const outcome = store.offer(candidateOf(1));
    await settled();
    clock.advance(OFFER_TIMEOUT_MS);
    expect(await outcome).toEqual({ kind: 'accepted' });
    // Without any time passing.
    expect(await store.offer(candidateOf(2))).toEqual({ kind: 'accepted' });
    expect(report().all.map(({ behind }) => behind)).toEqual([[KEY], []]);
    expect(report()).toMatchObject({ whole: false });
    release();
    await settled();
    expect(report()).toMatchObject({ whole: true });
  });

  it('datafiles on their way to the workers do not fail for a worker that dies meanwhile', async () => {
    const { store, one, other } = setUp();
    one.answers.offer = () => new Promise(() => {});
    one.hello();
    other.hello();
    await settled();
    const outcome = store.offer(candidateOf(1));
    await settled();
    one.die();
    expect(await outcome).toEqual({ kind: 'accepted' });
  });

  it('reach one that joins between being offered and being accepted, and one that comes later', async () => {
    const { store, one, other, processes, clock, report } = setUp();
    let accept = () => {};
    const gate = new Promise<void>((resolve) => {
      accept = resolve;
    });
    one.answers.offer = ({ revision }) =>
      gate.then(() => ({ kind: 'serves', revision, projectId: '10001' }) as const);
    one.hello();
    await settled();
    const outcome = store.offer(candidateOf(5));
    await settled();
    other.hello();
    await settled();
    expect(offers(other)).toEqual([]);
    accept();
    await outcome;
    await settled();
    expect(offers(other)).toEqual([5]);
    one.die();
    clock.advance(1_000);
    processes.last.hello();
    await settled();
    expect(processes.last.heard[0]?.arg).toMatchObject({ datafiles: [{ seq: 5, fromRecord: true }] });
    expect(report()).toMatchObject({ serving: 2, whole: true });
  });
});
