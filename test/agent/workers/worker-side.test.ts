// What a worker keeps for itself between two messages: events that wait, and keys that it may answer for.

import { describe, expect, it } from 'vitest';
import type { KeyRefusal } from '../../../agent/datafiles/keys/keys.ts';
import type { SavedProfile } from '../../../agent/decisions/profiles/profiles.ts';
import type { EventLane, PrimaryPeer } from '../../../agent/workers/messages.ts';
import {
  CROWDED_CHARS,
  GATHER_MS,
  MESSAGE_CHARS_MAX,
  WAITING_CHARS_MAX,
  WorkerOutbox,
} from '../../../agent/workers/outbox.ts';
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
  const primary: PrimaryPeer = new Peer({
    send: (message) => void said.push(message as Said),
    ...{ answers: {}, news: {} },
  });
  const news = (name: string) => said.filter((one) => one.news === name).map(({ arg }) => arg);
  return { clock, said, primary, news };
}

function withOutbox() {
  const all = setUp();
  const { said, primary } = all;
  const messages = () => said.filter(({ ask }) => ask === 'takeEvents');
  const taken = async () => {
    primary.receive({ answer: messages().at(-1)?.id, value: null });
    await settled();
  };
  const lanes = () => messages().map(({ arg }) => arg as EventLane[]);
  const jsons = () => lanes().map((lanesOfOne) => lanesOfOne.flatMap((lane) => lane.jsons));
  return { ...all, outbox: new WorkerOutbox(all.clock, primary), taken, lanes, jsons };
}

describe('events of a worker', () => {
  it('leave together after a moment, by head and in order', () => {
    const { clock, outbox, lanes } = withOutbox();
    for (const [head, json] of ['a1', 'b1', 'a2'].map((it) => [it[0] as string, it]))
      outbox.add('https://events', head as string, json as string);
    expect(lanes()).toEqual([]);
    clock.advance(GATHER_MS);
    expect(lanes()).toEqual([
      [
        { url: 'https://events', head: 'a', jsons: ['a1', 'a2'] },
        { url: 'https://events', head: 'b', jsons: ['b1'] },
      ],
    ]);
  });

  it('leave at once when asked to, profiles with them', () => {
    const { clock, outbox, said, lanes } = withOutbox();
    const profile = { sdkKey: KEY, service: 's', profile: { user_id: 'u', experiment_bucket_map: {} } };
    outbox.saved(profile);
    outbox.add('u', 'h', 'j');
    outbox.flush();
    expect(said.find(({ ask }) => ask === 'takeProfiles')?.arg).toEqual([profile]);
    expect(lanes()).toEqual([[{ url: 'u', head: 'h', jsons: ['j'] }]]);
    clock.advance(GATHER_MS);
    expect(lanes()).toHaveLength(1);
  });

  it('events of a worker are with the primary one message at a time: what node:cluster says over the channel must not wait behind them', async () => {
    const { clock, outbox, jsons, taken } = withOutbox();
    const json = 'x'.repeat(MESSAGE_CHARS_MAX / 2);
    for (let i = 0; i < 5; i++) outbox.add('u', 'h', json + i);
    clock.advance(GATHER_MS);
    expect(jsons()).toEqual([[`${json}0`, `${json}1`]]);
    await taken();
    expect(jsons().slice(1)).toEqual([[`${json}2`, `${json}3`]]);
    await taken();
    expect(jsons().slice(2)).toEqual([[`${json}4`]]);
    await taken();
    expect(jsons()).toHaveLength(3);
  });

  it('gather while the primary has not taken those before them', async () => {
    const { clock, outbox, jsons, taken } = withOutbox();
    for (const json of ['1', '2', '3']) {
      outbox.add('u', 'h', json);
      clock.advance(GATHER_MS);
    }
    expect(jsons()).toEqual([['1']]);
    await taken();
    expect(jsons()).toEqual([['1'], ['2', '3']]);
  });

  it('events of a worker are counted where the primary does not take them, and taken again when it does', async () => {
    const { clock, outbox, news, jsons, taken } = withOutbox();
    const json = 'x'.repeat(WAITING_CHARS_MAX / 4);
    for (let i = 0; i < 6; i++) outbox.add('u', 'h', json);
    clock.advance(GATHER_MS);
    expect(news('eventsLost')).toEqual([2]);
    for (let i = 0; i < 4; i++) await taken();
    outbox.add('u', 'h', 'late');
    outbox.flush();
    expect(jsons().at(-1)).toEqual(['late']);
  });

  it('events of a worker are counted where the primary cannot say that it has them', async () => {
    const { clock, outbox, said, primary, news } = withOutbox();
    for (const json of ['1', '2']) outbox.add('u', 'h', json);
    outbox.flush();
    primary.receive({ failed: said.at(-1)?.id, reason: 'it broke' });
    await settled();
    outbox.add('u', 'h', '3');
    clock.advance(GATHER_MS);
    expect(news('eventsLost')).toEqual([2]);
  });

  it('make a request that has many wait for room, until the primary has taken enough', async () => {
    const { outbox, taken } = withOutbox();
    outbox.add('u', 'h', 'x'.repeat(CROWDED_CHARS - 1));
    expect(outbox.isCrowded).toBe(false);
    outbox.add('u', 'h', 'x');
    let hasRoom = false;
    void outbox.room().then(() => {
      hasRoom = true;
    });
    await settled();
    expect([outbox.isCrowded, hasRoom]).toEqual([true, false]);
    await taken();
    expect([outbox.isCrowded, hasRoom]).toEqual([false, true]);
  });

  it('events of a worker are all with the primary before the worker ends', async () => {
    const { outbox, jsons, taken } = withOutbox();
    const json = 'x'.repeat(MESSAGE_CHARS_MAX);
    for (let i = 0; i < 2; i++) outbox.add('u', 'h', json);
    let isDrained = false;
    const drained = outbox.drained().then(() => {
      isDrained = true;
    });
    await taken();
    expect(isDrained).toBe(false);
    await taken();
    await drained;
    expect(jsons()).toEqual([[json], [json]]);
  });
});

describe('profiles that a worker has saved', () => {
  const profileOf = (user_id: string, sdkKey = KEY) => ({
    ...{ sdkKey, service: 's' },
    profile: { user_id, experiment_bucket_map: {} },
  });
  const withProfiles = () => {
    const all = withOutbox();
    const messages = () => all.said.filter(({ ask }) => ask === 'takeProfiles');
    const profilesTaken = async () => {
      all.primary.receive({ answer: messages().at(-1)?.id, value: null });
      await settled();
    };
    const users = () =>
      messages().map(({ arg }) => (arg as SavedProfile[]).map(({ profile }) => profile.user_id.slice(0, 1)));
    return { ...all, profilesTaken, users };
  };

  it('profiles that a worker has saved are with the primary one message at a time, cut off at a size', async () => {
    const { clock, outbox, users, profilesTaken } = withProfiles();
    for (const name of ['a', 'b', 'c']) outbox.saved(profileOf(name.repeat(MESSAGE_CHARS_MAX / 2)));
    clock.advance(GATHER_MS);
    expect(users()).toEqual([['a', 'b']]);
    await profilesTaken();
    expect(users()).toEqual([['a', 'b'], ['c']]);
  });

  it('profiles that a worker has saved are waited for until the primary has taken the last of them, and not for those saved later', async () => {
    const { outbox, profilesTaken } = withProfiles();
    outbox.saved(profileOf('a'));
    outbox.flush();
    outbox.saved(profileOf('b'));
    let isTaken = false;
    const taken = outbox.profilesTaken().then(() => {
      isTaken = true;
    });
    await profilesTaken();
    outbox.saved(profileOf('c'));
    expect(isTaken).toBe(false);
    await profilesTaken();
    await taken;
  });

  it('profiles that a worker has saved do not come back after a reset that was asked for later', async () => {
    const { outbox, users, profilesTaken, said } = withProfiles();
    outbox.saved(profileOf('a'));
    outbox.flush();
    outbox.saved(profileOf('b'));
    outbox.saved(profileOf('c', OTHER_KEY));
    outbox.resetUsers(KEY);
    await profilesTaken();
    expect(users()).toEqual([['a'], ['c']]);
    expect(said.map(({ ask, news }) => ask ?? news)).toEqual(['takeProfiles', 'resetUsers', 'takeProfiles']);
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

  it('keys of a worker are asked for once, and answered from memory from then on', async () => {
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

  it('keys of a worker are refused as the primary refuses them, and asked for again', async () => {
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
