// What an agent says of itself, by what is the matter.

import { describe, expect, it } from 'vitest';
import type { BusHealth } from '../../../../agent/datafiles/health/bus-health.ts';
import { createStatus, type StatusOptions } from '../../../../agent/datafiles/health/status.ts';
import type { Keys } from '../../../../agent/datafiles/keys/keys.ts';
import { Store } from '../../../../agent/datafiles/store.ts';
import type { Seq } from '../../../../core/ids.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { FakeBuilder } from '../../support/builder.ts';
import { candidateOf, KEY, LINEAGE, OTHER_KEY } from '../../support/fakes.ts';

const LOOK_EVERY_MS = 300_000;

async function setUp(options: Partial<StatusOptions> = {}) {
  const clock = new ManualClock();
  const store = new Store({ builder: new FakeBuilder(), clock });
  store.watch(KEY);
  await store.offer(candidateOf(4));
  const all = [{ sdkKey: KEY, configured: true }];
  const status = createStatus({
    keys: { all: () => all } as unknown as Keys,
    health: { available: true, reason: null } as BusHealth,
    ...{ store, busConfigured: true, recordConfigured: true, nowMs: () => clock.nowMs() },
    lookEveryMs: () => LOOK_EVERY_MS,
    ...options,
  });
  return { clock, store, status, all };
}

describe('an agent is', () => {
  it('ok while nothing is the matter', async () => {
    const { status } = await setUp();
    expect(status.report()).toMatchObject({ status: 'ok', datafiles: [{ sdkKey: KEY }] });
  });

  it.each<[string, Partial<StatusOptions>]>([
    ['its bus is away', { health: { available: false, reason: 'disconnected' } as BusHealth }],
    ['it cannot save', { cacheFailedAtMs: () => 7 }],
    [
      'it refuses what the record names',
      { quarantined: () => ({ lineage: LINEAGE, seq: 5 as Seq, revision: 5, code: 'C', sinceMs: 7 }) },
    ],
    [
      'a key does not exist',
      { unknown: { of: () => ({ sinceMs: 7, cdnStatus: 403 }), isExempt: () => true } },
    ],
  ])('degraded, and ready, when %s', async (_what, options) => {
    const { status } = await setUp(options);
    expect(status.report().status).toBe('degraded');
    expect(status.ready()).toBe(true);
  });

  it('starting while a key may still be found, and ready without one that does not exist', async () => {
    let exempt = false;
    const unknown = {
      of: () => (exempt ? { sinceMs: 7, cdnStatus: 404 } : null),
      isExempt: () => exempt,
    };
    const { status, all } = await setUp({ unknown });
    all.push({ sdkKey: OTHER_KEY, configured: true });
    expect(status.ready()).toBe(false);
    expect(status.report().status).toBe('starting');
    exempt = true;
    expect(status.ready()).toBe(true);
    expect(status.report().datafiles[1]).toMatchObject({
      datafile: null,
      unknownToOptimizely: { since: new Date(7).toISOString(), cdnStatus: 404 },
    });
  });

  it('stale, and ready, when three looks have not shown that what serves is current', async () => {
    const { status, clock, store } = await setUp();
    const acceptedAt = new Date(clock.nowMs()).toISOString();
    clock.advance(3 * LOOK_EVERY_MS);
    expect(status.report().status).toBe('ok');
    clock.advance(1);
    expect(status.report()).toMatchObject({ status: 'stale', datafiles: [{ stale: { since: acceptedAt } }] });
    expect(status.ready()).toBe(true);
    store.confirm(KEY, { lineage: LINEAGE, seq: 4 as Seq });
    expect(status.report().status).toBe('ok');
    expect(status.report().datafiles[0]).not.toHaveProperty('stale');
  });

  it('draining, and not ready, once it goes away', async () => {
    const { status } = await setUp();
    status.draining();
    expect(status.report().status).toBe('draining');
    expect(status.ready()).toBe(false);
  });
});
