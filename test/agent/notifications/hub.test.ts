// Which clients hear of a decision, and what a decision costs when no client listens.

import { describe, expect, it, onTestFinished } from 'vitest';
import type { NotificationChannel } from '../../../agent/datafiles/sources/side-channel.ts';
import type { Held } from '../../../agent/datafiles/store.ts';
import type { FlagClient } from '../../../agent/decisions/flag-client.ts';
import { NotificationHub } from '../../../agent/notifications/hub.ts';
import { decisionNotification, type Notification } from '../../../agent/notifications/notification.ts';
import { GATHER_MS } from '../../../agent/notifications/outbox.ts';
import {
  WANT_INTERVAL_MS,
  WANT_LAPSE_MS,
  WISH_BYTES_MAX,
  WISH_KEYS_MAX,
} from '../../../agent/notifications/subscriptions.ts';
import { noteSubject, WANT_SUBJECT } from '../../../core/record/names.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { KEY, OTHER_KEY } from '../support/fakes.ts';
import { NoteBus } from '../support/note-bus.ts';

/** What a hub needs of a client: to listen to it. */
class FakeClient {
  readonly listeners = new Set<(note: Notification) => void>();

  listen(onNote: (note: Notification) => void): () => void {
    this.listeners.add(onNote);
    return () => void this.listeners.delete(onNote);
  }

  decide(userId: string): void {
    const payload = { type: 'flag', userId, attributes: {}, decisionInfo: { flagKey: 'flag_1' } };
    for (const run of this.listeners) run(decisionNotification(payload as never));
  }
}

function startAgent(clock: ManualClock, channel: NotificationChannel | null, seed: number) {
  let client: FakeClient | null = new FakeClient();
  const dropped: number[] = [];
  let calls = 0;
  const hub = new NotificationHub({
    ...{ clock, channel },
    random: () => ((seed * 7919 + ++calls * 104_729) % 1_000_003) / 1_000_003,
    clientOf: (sdkKey) => (sdkKey === KEY ? (client as unknown as FlagClient | null) : null),
    onDropped: (_, count) => dropped.push(count),
  });
  hub.start();
  onTestFinished(() => hub.stop());
  const accepted = (revision: number, next: FakeClient): void => {
    client = next;
    hub.accepted({ sdkKey: KEY, revision, built: next } as unknown as Held<FlagClient>);
  };
  const forget = (): void => {
    client = null;
    hub.forget(KEY);
  };
  return { hub, dropped, client: client as FakeClient, accepted, forget };
}

function setUp() {
  const clock = new ManualClock();
  const bus = new NoteBus();
  const [a, b] = [startAgent(clock, bus.channel(), 1), startAgent(clock, bus.channel(), 2)];
  const heard: Notification[] = [];
  const listen = (sdkKey = KEY) => a.hub.listen(sdkKey, (note) => void heard.push(note));
  const users = () => heard.map(({ text }) => JSON.parse(text).UserContext?.ID);
  return { clock, bus, a, b, heard, listen, users };
}

describe('decisions of this agent', () => {
  it('decisions of this agent are heard by its listeners until they leave', () => {
    const { a, listen, users } = setUp();
    const unlisten = listen();
    a.client.decide('u1');
    expect(users()).toEqual(['u1']);
    unlisten();
    a.client.decide('u2');
    expect(users()).toEqual(['u1']);
  });

  it('decisions are not asked for from the SDK when no client listens', () => {
    const { a, bus, clock, listen } = setUp();
    expect(a.client.listeners.size).toBe(0);
    listen()();
    expect(a.client.listeners.size).toBe(0);
    clock.advance(10 * WANT_LAPSE_MS);
    expect(clock.waitingCount).toBe(0);
    expect(bus.subjects()).toEqual([WANT_SUBJECT]);
  });

  it('decisions of this agent are heard across a change of the datafile, and the change itself too', () => {
    const { a, heard, listen, users } = setUp();
    listen();
    const next = new FakeClient();
    a.accepted(42, next);
    next.decide('new');
    a.client.decide('still on the old one');
    expect(users()).toEqual([undefined, 'new', 'still on the old one']);
    expect(heard[0]).toEqual({
      kind: 'project_config_update',
      text: '{"Type":"project_config_update","Revision":"42"}',
    });
  });

  it('decisions of this agent need no bus', () => {
    const agent = startAgent(new ManualClock(), null, 1);
    const heard: Notification[] = [];
    agent.hub.listen(KEY, (note) => void heard.push(note));
    agent.client.decide('u1');
    expect(heard).toHaveLength(1);
  });
});

describe('decisions of other agents', () => {
  it('decisions of other agents are heard too, and none twice', () => {
    const { clock, a, b, bus, listen, users } = setUp();
    listen();
    b.hub.listen(KEY, () => {});
    b.client.decide('from b');
    a.client.decide('from a');
    clock.advance(GATHER_MS);
    expect(users()).toEqual(['from a', 'from b']);
    expect(bus.subjects().filter((subject) => subject === noteSubject(KEY))).toHaveLength(2);
  });

  it('an agent with listeners of its own sends its decisions only when another agent has listeners', () => {
    const { clock, b, bus } = setUp();
    b.hub.listen(KEY, () => {});
    b.client.decide('u1');
    clock.advance(GATHER_MS);
    expect(bus.subjects()).not.toContain(noteSubject(KEY));
  });

  it('decisions of other agents are gathered into one message', () => {
    const { clock, b, bus, listen, users } = setUp();
    listen();
    for (let i = 0; i < 100; i++) b.client.decide(`u${i}`);
    clock.advance(GATHER_MS);
    expect(users()).toHaveLength(100);
    expect(bus.subjects().filter((subject) => subject === noteSubject(KEY))).toHaveLength(1);
  });

  it('decisions of other agents are dropped and counted beyond what the bus should bear', () => {
    const { clock, b, listen, users } = setUp();
    listen();
    const long = 'x'.repeat(20_000);
    for (let i = 0; i < 100; i++) b.client.decide(long);
    b.client.decide('x'.repeat(100_000));
    clock.advance(GATHER_MS);
    expect(users().length).toBeGreaterThan(10);
    expect(b.dropped).toEqual([101 - users().length]);
  });

  it('decisions of other agents are asked for again and again, and no longer sent when the asking stops', () => {
    const { clock, b, listen } = setUp();
    const unlisten = listen();
    clock.advance(3 * WANT_LAPSE_MS);
    expect(b.client.listeners.size).toBe(1);
    unlisten();
    clock.advance(WANT_LAPSE_MS + WANT_INTERVAL_MS);
    expect(b.client.listeners.size).toBe(0);
    expect(clock.waitingCount).toBe(0);
  });

  it('decisions of other agents are asked for at once when the bus comes back', () => {
    const { bus, listen } = setUp();
    listen();
    bus.comeUp();
    expect(bus.subjects()).toEqual([WANT_SUBJECT, WANT_SUBJECT]);
  });

  it('come from agents that get the key later, too', () => {
    const { clock, b, listen, users } = setUp();
    b.forget();
    listen();
    const later = new FakeClient();
    b.accepted(1, later);
    later.decide('u1');
    clock.advance(GATHER_MS);
    expect(users()).toEqual(['u1']);
  });

  it('decisions of other agents of other keys stay where they are', () => {
    const { clock, b, listen, users } = setUp();
    listen(OTHER_KEY);
    b.client.decide('u1');
    clock.advance(GATHER_MS);
    expect(users()).toEqual([]);
  });

  it('decisions of other agents cannot be faked into a crash', () => {
    const { bus, listen, users } = setUp();
    listen();
    const channel = bus.channel();
    for (const text of ['', 'null', '{}', '{"from":1}', '{"from":"x","sdkKeys":[".*"]}', '2 x\ndecision {}'])
      for (const subject of [WANT_SUBJECT, noteSubject(KEY)]) channel.publish(subject, Buffer.from(text));
    channel.publish(noteSubject(KEY), Buffer.from('1 x\nnonsense {}'));
    expect(users()).toEqual([]);
  });

  it('decisions are asked for in messages of a limited length, with any number of keys', () => {
    const { a, bus, b } = setUp();
    const keys = Array.from({ length: WISH_KEYS_MAX + 1 }, (_, i) => `Key${i}` as typeof KEY);
    for (const key of [...keys, KEY]) a.hub.listen(key, () => {});
    bus.published.length = 0;
    bus.comeUp();
    expect(bus.published).toHaveLength(2);
    for (const { payload } of bus.published) expect(payload.byteLength).toBeLessThanOrEqual(WISH_BYTES_MAX);
    expect(b.client.listeners.size).toBe(1);
  });

  it('decisions of other agents cannot be asked for with messages that are too long, or too many to read', () => {
    const { clock, bus, a } = setUp();
    const channel = bus.channel();
    const wish = (sdkKeys: readonly string[]) => Buffer.from(JSON.stringify({ from: 'x', sdkKeys }));
    channel.publish(WANT_SUBJECT, wish([KEY, ...Array.from({ length: WISH_KEYS_MAX }, (_, i) => `Key${i}`)]));
    channel.publish(WANT_SUBJECT, Buffer.concat([wish([KEY]), Buffer.alloc(WISH_BYTES_MAX, ' ')]));
    expect(a.client.listeners.size).toBe(0);
    for (let i = 0; i < 10_000; i++) channel.publish(WANT_SUBJECT, wish([`Key${i % 10}`]));
    channel.publish(WANT_SUBJECT, wish([KEY]));
    expect(a.client.listeners.size).toBe(0);
    clock.advance(1_000);
    channel.publish(WANT_SUBJECT, wish([KEY]));
    expect(a.client.listeners.size).toBe(1);
  });
});
