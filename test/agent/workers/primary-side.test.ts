// What the primary keeps together for its workers: users, notes and counts.

import { describe, expect, it } from 'vitest';
import type { NotificationChannel, OnMessage } from '../../../agent/datafiles/sources/side-channel.ts';
import type { ProcessCounts } from '../../../agent/metrics/metrics.ts';
import { RouteStats } from '../../../agent/metrics/request-counts.ts';
import { sumOfTimers, Timer } from '../../../agent/metrics/timers.ts';
import type { LiveWorker } from '../../../agent/workers/live-worker.ts';
import { COUNTS_TIMEOUT_MS, Totals } from '../../../agent/workers/metrics/totals.ts';
import { NotificationExchange } from '../../../agent/workers/notification-exchange.ts';
import { SharedUsers } from '../../../agent/workers/shared-users.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { KEY, settled } from '../support/fakes.ts';

interface Told {
  readonly name: string;
  readonly arg: unknown;
}

function worker(ask: (name: string) => unknown = () => null): LiveWorker & { readonly told: Told[] } {
  const told: Told[] = [];
  const peer = {
    tell: (name: string, arg: unknown) => void told.push({ name, arg }),
    ask: async (name: string) => ask(name),
  };
  return { told, peer } as unknown as LiveWorker & { told: Told[] };
}

const override = (variationKey: string | null) => ({
  ...{ sdkKey: KEY, userId: 'u', experimentKey: 'e', variationKey },
});

describe('users of all workers', () => {
  const settings = {
    default: null,
    services: new Map([['m', { kind: 'in-memory', capacity: 0, storageStrategy: 'fifo' } as const]]),
  };

  it('users of all workers have the overrides that were said last, everywhere and for those who join', () => {
    const all = [worker(), worker()];
    const users = new SharedUsers(settings, () => all);
    users.override(override('a'));
    users.override(override('b'));
    // Also to the one it came from: it may have heard of another one meanwhile.
    for (const { told } of all) expect(told.map(({ arg }) => arg)).toEqual([override('a'), override('b')]);
    expect(users.overrides()).toEqual([override('b')]);
    users.override(override(null));
    expect(users.overrides()).toEqual([]);
  });

  it('users of all workers keep their profiles until they are reset', () => {
    const all = [worker()];
    const users = new SharedUsers(settings, () => all);
    const saved = { sdkKey: KEY, service: 'm', profile: { user_id: 'u', experiment_bucket_map: {} } };
    users.saved([saved]);
    expect([...users.profiles()]).toEqual([saved]);
    users.resetUsers(KEY);
    expect([...users.profiles()]).toEqual([]);
    expect(all[0]?.told.map(({ name }) => name)).toEqual(['profiles', 'resetUsers']);
  });
});

class FakeBus implements NotificationChannel {
  readonly published: string[] = [];
  readonly subscribed = new Map<string, OnMessage>();
  up = () => {};

  publish(subject: string): void {
    this.published.push(subject);
  }

  subscribe(subject: string, onMessage: OnMessage): () => void {
    this.subscribed.set(subject, onMessage);
    return () => this.subscribed.delete(subject);
  }

  onUp(run: () => void): () => void {
    this.up = run;
    return () => {};
  }

  async settled(): Promise<void> {}
}

describe('notes', () => {
  const note = { subject: 's', payload: new Uint8Array([1]) };

  it('go to the other workers that want them, and to the bus', () => {
    const [from, listening, deaf] = [worker(), worker(), worker()];
    const bus = new FakeBus();
    const exchange = new NotificationExchange(bus, () => [from, listening, deaf]);
    for (const one of [from, listening]) exchange.subscribe(one, 's');
    exchange.publish(from, note);
    expect([from, listening, deaf].map(({ told }) => told.length)).toEqual([0, 1, 0]);
    expect(bus.published).toEqual(['s']);
  });

  it('come from the bus while a worker wants them', () => {
    const [one, other] = [worker(), worker()];
    const bus = new FakeBus();
    const exchange = new NotificationExchange(bus, () => [one, other]);
    for (const each of [one, other]) exchange.subscribe(each, 's');
    bus.subscribed.get('s')?.(note.payload);
    expect([one, other].map(({ told }) => told)).toEqual([
      [{ name: 'note', arg: note }],
      [{ name: 'note', arg: note }],
    ]);
    exchange.unsubscribe(one, 's');
    expect(bus.subscribed.has('s')).toBe(true);
    exchange.gone(other);
    expect(bus.subscribed.has('s')).toBe(false);
  });

  it('notes are asked for anew when the bus is back, or a worker joins', () => {
    const [one, other] = [worker(), worker()];
    const bus = new FakeBus();
    const exchange = new NotificationExchange(bus, () => [one, other]);
    bus.up();
    exchange.joined(other);
    expect([one, other].map(({ told }) => told.map(({ name }) => name))).toEqual([
      ['linkUp', 'linkUp'],
      ['linkUp'],
    ]);
  });
});

describe('counts', () => {
  const counts = (requests: number): ProcessCounts => {
    const stats = new RouteStats();
    const timer = new Timer();
    for (let i = 0; i < requests; i++) {
      stats.record(200, 0.001);
      timer.record(1);
    }
    const memory = { rss: 5, heapTotal: 1, heapUsed: 1 };
    const timers = new Map([['decide', timer]]);
    return {
      routes: new Map([['r', stats]]),
      timers,
      failures: new Map([['redis down', 1]]),
      ofProcess: [],
      memory,
    };
  };
  const sum = (totals: Totals) =>
    totals.all().reduce((all, { routes }) => all + (routes.get('r')?.count ?? 0), 0);

  it('counts of the dead stay in the sums, their memory does not', async () => {
    let alive = [worker(() => counts(3)), worker(() => counts(4))];
    const totals = new Totals(new ManualClock(), () => alive);
    await totals.gather();
    expect(sum(totals)).toBe(7);
    const [dead] = alive.splice(0, 1);
    totals.gone(dead as LiveWorker);
    alive = [...alive, worker(() => counts(1))];
    await totals.gather();
    expect(sum(totals)).toBe(8);
    expect(sumOfTimers(totals.all().map(({ timers }) => timers)).get('decide')?.hits).toBe(8);
    expect(totals.all().reduce((rss, { memory }) => rss + memory.rss, 0)).toBe(10);
    expect(totals.all().reduce((all, { failures }) => all + (failures.get('redis down') ?? 0), 0)).toBe(3);
  });

  it('counts do not wait for a worker that hangs', async () => {
    const clock = new ManualClock();
    const alive = [worker(() => counts(3)), worker(() => new Promise(() => {}))];
    const totals = new Totals(clock, () => alive);
    const gathered = totals.gather();
    await settled();
    clock.advance(COUNTS_TIMEOUT_MS);
    await gathered;
    expect(sum(totals)).toBe(3);
  });
});
