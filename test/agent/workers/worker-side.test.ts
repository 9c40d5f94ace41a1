// What a worker keeps for itself between two messages: events that wait, and keys that it may answer for.

import { describe, expect, it } from 'vitest';
import type { KeyRefusal } from '../../../agent/datafiles/keys/keys.ts';
import type { EventLane, PrimaryPeer } from '../../../agent/workers/messages.ts';
import { GATHER_MS, UNDER_WAY_CHARS_MAX, WorkerOutbox } from '../../../agent/workers/outbox.ts';
import { Peer } from '../../../agent/workers/peer.ts';
import { DATAFILE_WAIT_MS, RemoteKeys, USED_INTERVAL_MS } from '../../../agent/workers/remote-keys.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { KEY, OTHER_KEY, settled } from '../support/fakes.ts';

interface Said {
  readonly news?: string;
  readonly ask?: string;
  readonly id?: number;
  readonly arg: unknown;
}

function setUp() {
  const clock = new ManualClock();
  const said: Said[] = [];
  const onSent: (() => void)[] = [];
  const primary: PrimaryPeer = new Peer({
    send: (message, sent) => {
      said.push(message as Said);
      if (sent !== undefined) onSent.push(sent);
    },
    ...{ answers: {}, news: {} },
  });
  const news = (name: string) => said.filter((one) => one.news === name).map(({ arg }) => arg);
  return { clock, said, primary, news, onSent };
}

describe('events of a worker', () => {
  it('leave together after a moment, by head and in order', () => {
    const { clock, primary, news } = setUp();
    const outbox = new WorkerOutbox(clock, primary);
    for (const [head, json] of ['a1', 'b1', 'a2'].map((it) => [it[0] as string, it]))
      outbox.add('https://events', head as string, json as string);
    expect(news('events')).toEqual([]);
    clock.advance(GATHER_MS);
    expect(news('events')).toEqual([
      [
        { url: 'https://events', head: 'a', jsons: ['a1', 'a2'] },
        { url: 'https://events', head: 'b', jsons: ['b1'] },
      ],
    ]);
  });

  it('leave at once when asked to, profiles with them', () => {
    const { clock, primary, news } = setUp();
    const outbox = new WorkerOutbox(clock, primary);
    const profile = { sdkKey: KEY, service: 's', profile: { user_id: 'u', experiment_bucket_map: {} } };
    outbox.saved(profile);
    outbox.add('u', 'h', 'j');
    outbox.flush();
    expect([news('profiles'), news('events')]).toEqual([
      [[profile]],
      [[{ url: 'u', head: 'h', jsons: ['j'] }]],
    ]);
    clock.advance(GATHER_MS);
    expect(news('events')).toHaveLength(1);
  });

  it('are counted where the primary does not take them, and taken again when it does', () => {
    const { clock, primary, news, onSent } = setUp();
    const outbox = new WorkerOutbox(clock, primary);
    const json = 'x'.repeat(UNDER_WAY_CHARS_MAX / 4);
    for (let i = 0; i < 6; i++) outbox.add('u', 'h', json);
    clock.advance(GATHER_MS);
    expect(news('eventsLost')).toEqual([2]);
    for (const sent of onSent) sent();
    outbox.add('u', 'h', 'late');
    outbox.flush();
    expect((news('events').at(-1) as EventLane[])[0]?.jsons).toEqual(['late']);
  });
});

describe('keys of a worker', () => {
  const withKeys = () => {
    const all = setUp();
    const served = new Set<string>();
    const keys = new RemoteKeys({ ...all, serves: (sdkKey) => served.has(sdkKey) });
    const answer = (value: object | KeyRefusal) =>
      all.primary.receive({ answer: all.said.findLast(({ ask }) => ask === 'resolve')?.id, value });
    return { ...all, keys, served, answer };
  };

  it('are asked for once, and answered from memory from then on', async () => {
    const { keys, served, answer, said } = withKeys();
    served.add(KEY);
    const both = [keys.resolve(KEY), keys.resolve(KEY)];
    answer({ sdkKey: KEY, configured: true });
    expect(await Promise.all(both)).toEqual([
      { sdkKey: KEY, configured: true },
      { sdkKey: KEY, configured: true },
    ]);
    expect(said).toHaveLength(1);
    expect(keys.resolved(KEY)?.sdkKey).toBe(KEY);
    keys.forget(KEY);
    expect(keys.resolved(KEY)).toBeUndefined();
  });

  it('are refused as the primary refuses them, and asked for again', async () => {
    const { keys, answer, said } = withKeys();
    const refused = keys.resolve('x');
    answer('denied');
    expect(await refused).toBe('denied');
    expect(keys.resolved('x')).toBeUndefined();
    void keys.resolve('x');
    expect(said).toHaveLength(2);
    expect(await keys.resolve('')).toBe('missing');
  });

  it('wait for a datafile that is on its way, but not for ever', async () => {
    const { keys, answer, served, clock } = withKeys();
    const found = keys.resolve(KEY);
    answer({ sdkKey: KEY, configured: true });
    await settled();
    served.add(KEY);
    keys.accepted(KEY);
    expect(await found).toMatchObject({ sdkKey: KEY });
    const never = keys.resolve(OTHER_KEY);
    answer({ sdkKey: OTHER_KEY, configured: true });
    await settled();
    clock.advance(DATAFILE_WAIT_MS);
    expect(await never).toBe('not-found');
  });

  it('on demand are said to be in use, now and then', async () => {
    const { keys, answer, served, clock, news } = withKeys();
    served.add(KEY);
    const found = keys.resolve(KEY);
    answer({ sdkKey: KEY, configured: false });
    await found;
    for (let i = 0; i < 3; i++) keys.resolved(KEY);
    clock.advance(USED_INTERVAL_MS);
    expect(news('used')).toEqual([[KEY]]);
  });
});
