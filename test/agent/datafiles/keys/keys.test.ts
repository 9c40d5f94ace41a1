import { describe, expect, it } from 'vitest';
import { Keys, REFUSAL_REMEMBERED_MS } from '../../../../agent/datafiles/keys/keys.ts';
import type { SdkKey } from '../../../../core/ids.ts';
import { eventually } from '../../../support/eventually.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { KEY, OTHER_KEY } from '../../support/fakes.ts';

function setUp({ onDemandMax = 2, onDemandBytesMax = Number.POSITIVE_INFINITY } = {}) {
  const clock = new ManualClock();
  /** Keys that begin so are not answered about. */
  const hang = new Set<string>();
  const state = {
    followed: [] as SdkKey[],
    unfollowed: [] as SdkKey[],
    followedUp: [] as string[],
    discarded: [] as SdkKey[],
    denied: new Set<string>(),
    unknown: new Set<string>(),
    bytes: new Map<string, number>(),
    /** Where set, following takes until this is called. */
    loaded: null as (() => void)[] | null,
    vouched: [] as string[],
  };
  const keys = new Keys({
    configured: [
      { sdkKey: KEY, accessToken: null },
      { sdkKey: OTHER_KEY, accessToken: 'right' },
    ],
    ...{ onDemandMax, onDemandBytesMax },
    bytesOf: (sdkKey) => state.bytes.get(sdkKey) ?? 0,
    nowMs: () => clock.nowMs(),
    follow: async (sdkKey, vouched) => {
      state.followed.push(sdkKey);
      if (vouched !== null) state.followedUp.push(await vouched.response.text());
      if (state.loaded !== null) await new Promise<void>((resolve) => state.loaded?.push(resolve));
      if (state.bytes.has(sdkKey)) keys.accepted(sdkKey);
    },
    unfollow: (sdkKey) => void state.unfollowed.push(sdkKey),
    vouch: async (sdkKey, token) => {
      state.vouched.push(`${sdkKey}:${token ?? ''}`);
      if ([...hang].some((start) => sdkKey.startsWith(start))) return new Promise<never>(() => {});
      if (state.denied.has(sdkKey) || token === 'wrong') return 'denied';
      return { response: new Response(sdkKey), discard: () => void state.discarded.push(sdkKey) };
    },
    refusal: (sdkKey) =>
      state.denied.has(sdkKey) ? 'denied' : state.unknown.has(sdkKey) ? 'not-found' : null,
  });
  keys.start();
  const served = () => [...keys.all()].map(({ sdkKey }) => sdkKey);
  return { keys, clock, state, hang, served };
}

describe('configured keys', () => {
  it('configured keys are followed from the start and found by one look-up after the first request', async () => {
    const { keys, state } = setUp();
    expect(state.followed).toEqual([KEY, OTHER_KEY]);
    expect(keys.resolved(KEY)).toBeUndefined();
    const key = await keys.resolve(KEY);
    expect(key).toMatchObject({ sdkKey: KEY, configured: true });
    expect(keys.resolved(KEY)).toBe(key);
  });

  it('configured keys with an access token are served to those alone who have it', async () => {
    const { keys } = setUp();
    expect(await keys.resolve(OTHER_KEY)).toBe('denied');
    expect(await keys.resolve(`${OTHER_KEY}:wrong`)).toBe('denied');
    expect(await keys.resolve(`${OTHER_KEY}:right`)).toMatchObject({ sdkKey: OTHER_KEY });
    expect(keys.resolved(OTHER_KEY)).toBeUndefined();
    expect(keys.tokenOf(OTHER_KEY)).toBe('right');
  });

  it('without one may be asked for with any', async () => {
    const { keys } = setUp();
    expect(await keys.resolve(`${KEY}:whatever`)).toMatchObject({ sdkKey: KEY });
  });

  it('stay although they have no datafile yet', async () => {
    const { keys, state, served } = setUp();
    state.unknown.add(KEY);
    expect(await keys.resolve(KEY)).toBe('not-found');
    expect(served()).toContain(KEY);
    state.unknown.clear();
    expect(await keys.resolve(KEY)).toMatchObject({ sdkKey: KEY });
  });
});

describe('other keys', () => {
  it.each([
    ['', 'missing'],
    ['bad key!!', 'malformed'],
    ['key:', 'malformed'],
    ['k'.repeat(200), 'malformed'],
    ['a.b', 'malformed'],
  ])('%j is refused as %s', async (header, refusal) => {
    const { keys, state } = setUp();
    expect(await keys.resolve(header)).toBe(refusal);
    expect(state.followed).toHaveLength(2);
  });

  it('other keys are loaded on demand, once', async () => {
    const { keys, state } = setUp();
    const [first, second] = await Promise.all([keys.resolve('extra'), keys.resolve('extra')]);
    expect(first).toBe(second);
    expect(first).toMatchObject({ sdkKey: 'extra', configured: false });
    expect(state.followed.filter((sdkKey) => sdkKey === 'extra')).toHaveLength(1);
    expect(state.followedUp).toEqual(['extra']);
    expect(state.vouched).toEqual(['extra:']);
  });

  it('other keys are given to those alone whom the CDN vouches for, each token by itself', async () => {
    const { keys, state } = setUp();
    expect(await keys.resolve('extra:wrong')).toBe('denied');
    expect(state.followed).not.toContain('extra');
    const first = await keys.resolve('extra:old');
    expect(first).toMatchObject({ sdkKey: 'extra' });
    expect(await keys.resolve('extra:new')).toBe(first);
    expect(await keys.resolve('extra:wrong')).toBe('denied');
    expect(keys.resolved('extra:new')).toBe(first);
    expect(keys.resolved('extra:wrong')).toBeUndefined();
    expect(state.vouched).toEqual(['extra:wrong', 'extra:old', 'extra:new']);
    expect(state.followedUp).toEqual(['extra']);
    expect(state.discarded).toEqual(['extra']);
  });

  it('other keys that are denied are not asked for again for a while', async () => {
    const { keys, state, clock, served } = setUp();
    state.denied.add('extra');
    expect(await keys.resolve('extra')).toBe('denied');
    expect(await keys.resolve('extra')).toBe('denied');
    expect(served()).not.toContain('extra');
    expect(state.vouched).toHaveLength(1);
    state.denied.clear();
    clock.advance(REFUSAL_REMEMBERED_MS);
    expect(await keys.resolve('extra')).toMatchObject({ sdkKey: 'extra' });
  });

  it('whose datafiles are too large together give way, those that were unused for longest first', async () => {
    const { keys, state, clock, served } = setUp({ onDemandMax: 10, onDemandBytesMax: 100 });
    for (const [sdkKey, bytes] of [
      ['a', 50],
      ['b', 40],
      ['c', 30],
      [KEY, 1_000],
    ] as const)
      state.bytes.set(sdkKey, bytes);
    for (const sdkKey of ['a', 'b']) {
      await keys.resolve(sdkKey);
      clock.advance(1_000);
    }
    // The last one is not older than what was used while it was on its way.
    const last = keys.resolve('c');
    clock.advance(1_000);
    keys.resolved('a');
    expect(await last).toMatchObject({ sdkKey: 'c' });
    expect(served()).toEqual([KEY, OTHER_KEY, 'a', 'c']);
    // Larger with its next change.
    clock.advance(1_000);
    keys.resolved('a');
    state.bytes.set('a', 80);
    keys.accepted('a' as SdkKey);
    expect(served()).toEqual([KEY, OTHER_KEY, 'a']);
    keys.accepted(KEY);
    expect(served()).toEqual([KEY, OTHER_KEY, 'a']);
  });

  it('other keys are loaded one at a time', async () => {
    const { keys, state, served } = setUp({ onDemandMax: 10 });
    const loaded: (() => void)[] = [];
    state.loaded = loaded;
    const names = ['a', 'b', 'c', 'd', 'e'];
    const answers = Promise.all(names.map((name) => keys.resolve(name)));
    for (const ready of [1, 2, 3, 4, 5]) {
      await eventually('loading', () => served().length === 2 + ready);
      loaded.shift()?.();
    }
    expect((await answers).map((key) => typeof key)).toEqual(names.map(() => 'object'));
  });

  it('other keys of which one is too large alone is not served, and the others are', async () => {
    const { keys, state, served } = setUp({ onDemandMax: 10, onDemandBytesMax: 100 });
    state.bytes.set('large', 101);
    expect(await keys.resolve('large')).toBe('too-many');
    state.bytes.set('small', 100);
    expect(await keys.resolve('small')).toMatchObject({ sdkKey: 'small' });
    expect(served()).toEqual([KEY, OTHER_KEY, 'small']);
  });

  it('for which no datafile is found are let go', async () => {
    const { keys, state, served } = setUp();
    state.unknown.add('extra');
    expect(await keys.resolve('extra')).toBe('not-found');
    expect(served()).not.toContain('extra');
    expect(state.unfollowed).toEqual(['extra']);
  });

  it('other keys are not looked for without limit at the same time', async () => {
    const { keys } = setUp();
    const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => keys.resolve(`extra${i}`)));
    expect(answers.filter((answer) => answer === 'too-many')).toHaveLength(10);
  });

  it('other keys that clients make up without end are turned away, and the CDN is asked at a bounded rate', async () => {
    const { keys, state, clock, served } = setUp({ onDemandMax: 5 });
    const seconds = 20;
    let turnedAway = 0;
    for (let second = 0; second < seconds; second++) {
      for (let i = 0; i < 2_000; i++) {
        const header = `made-up-${second}-${i}`;
        state.denied.add(header);
        if ((await keys.resolve(header, `client ${i % 10}`)) === 'too-many') turnedAway++;
      }
      clock.advance(1_000);
    }
    expect(state.vouched.length).toBeLessThanOrEqual(5 + 400 + seconds * 600);
    expect(turnedAway).toBe(seconds * 2_000 - state.vouched.length);
    expect(served()).toEqual([KEY, OTHER_KEY]);
    // Those that are served already do not notice.
    expect(await keys.resolve(KEY)).toMatchObject({ sdkKey: KEY });
  });

  it.each([
    ['the same client', 100, 'stranger'],
    ['another client', 2_000, 'shop'],
  ])(
    'other keys that a stranger makes up do not keep real ones of %s away, at %i a second',
    async (_, flood, shop) => {
      const { keys, state, clock } = setUp({ onDemandMax: 30 });
      for (let second = 0; second < 20; second++) {
        for (let i = 0; i < flood; i++) {
          state.denied.add(`made-up-${second}-${i}`);
          await keys.resolve(`made-up-${second}-${i}`, 'stranger');
        }
        expect(await keys.resolve(`real${second}`, shop)).toMatchObject({ sdkKey: `real${second}` });
        clock.advance(1_000);
      }
    },
  );

  it('other keys that hang take no place of those of other clients', async () => {
    const { keys, hang } = setUp();
    hang.add('slow');
    for (let i = 0; i < 300; i++) void keys.resolve(`slow${i}`, 'stranger');
    expect(await keys.resolve('real', 'shop')).toMatchObject({ sdkKey: 'real' });
  });

  it('other keys of a flood push none out that is served: only what the CDN knows takes a place', async () => {
    const { keys, state, served } = setUp({ onDemandMax: 1 });
    await keys.resolve('real');
    for (let i = 0; i < 40; i++) {
      state.denied.add(`made-up-${i}`);
      expect(await keys.resolve(`made-up-${i}`)).toBe('denied');
    }
    expect(served()).toEqual([KEY, OTHER_KEY, 'real']);
  });

  it('make room within the limit: the one unused for longest goes, configured ones never', async () => {
    const { keys, clock, served } = setUp({ onDemandMax: 2 });
    for (const header of ['a', 'b']) {
      await keys.resolve(header);
      clock.advance(10);
    }
    keys.resolved('a');
    await keys.resolve('c');
    expect(served()).toEqual([KEY, OTHER_KEY, 'a', 'c']);
    expect(keys.resolved('b')).toBeUndefined();
  });

  it('other keys are refused where the limit is none', async () => {
    const { keys } = setUp({ onDemandMax: 0 });
    expect(await keys.resolve('extra')).toBe('too-many');
    expect(await keys.resolve(KEY)).toMatchObject({ sdkKey: KEY });
  });
});
