import { describe, expect, it } from 'vitest';
import {
  type ForcedVariations,
  OVERRIDES_CHARACTERS_MAX,
  OVERRIDES_MAX,
  type Override,
  Overrides,
} from '../../../agent/decisions/overrides.ts';
import { KEY, OTHER_KEY } from '../support/fakes.ts';

/** Remembers what it was told, as the SDK would. */
class FakeClient implements ForcedVariations {
  readonly forced = new Map<string, string>();
  setForcedVariation(experimentKey: string, userId: string, variationKey: string | null): boolean {
    const name = `${userId} ${experimentKey}`;
    if (variationKey === null) this.forced.delete(name);
    else if (variationKey === 'ghost') return false;
    else this.forced.set(name, variationKey);
    return true;
  }
}

const override = (userId: string, variationKey: string | null, experimentKey = 'e'): Override => ({
  ...{ sdkKey: KEY, userId, experimentKey, variationKey },
});

describe('overrides', () => {
  it('overrides are put into each new client, of their own key only', () => {
    const overrides = new Overrides();
    overrides.set(override('u', 'v1'), new FakeClient());
    overrides.set(override('u', 'v2', 'f'), new FakeClient());
    const next = new FakeClient();
    overrides.apply(KEY, next);
    overrides.apply(OTHER_KEY, next);
    expect(Object.fromEntries(next.forced)).toEqual({ 'u e': 'v1', 'u f': 'v2' });
    expect(overrides.get(OTHER_KEY, 'u', 'e')).toBeNull();
  });

  it('overrides of a variation that there is not take the one before away', () => {
    const overrides = new Overrides();
    const client = new FakeClient();
    overrides.set(override('u', 'v1'), client);
    overrides.set(override('u', 'ghost'), client);
    expect(client.forced.size).toBe(0);
    expect(overrides.get(KEY, 'u', 'e')).toBe('ghost');
  });

  it('overrides are limited by their characters too, and room is made by taking one away or making it shorter', () => {
    const overrides = new Overrides();
    const client = new FakeClient();
    const long = (name: string) => override(name + 'u'.repeat(OVERRIDES_CHARACTERS_MAX / 4 - 10), 'v');
    for (const name of ['a', 'b', 'c', 'd']) expect(overrides.set(long(name), client)).toBe(true);
    expect(overrides.set(long('e'), client)).toBe(false);
    expect(overrides.set({ ...long('a'), variationKey: 'v'.repeat(100) }, client)).toBe(false);
    expect(overrides.set({ ...override('u', 'v'), sdkKey: OTHER_KEY }, client)).toBe(true);
    expect(overrides.set({ ...long('a'), variationKey: 'w' }, client)).toBe(true);
    expect(overrides.set({ ...long('a'), variationKey: null }, client)).toBe(true);
    expect(overrides.set(long('e'), client)).toBe(true);
    overrides.clear(KEY, client);
    for (const name of ['a', 'b', 'c', 'd']) expect(overrides.set(long(name), client)).toBe(true);
  });

  it('overrides never reach the prototype of the SDK’s table', () => {
    const overrides = new Overrides();
    const client = new FakeClient();
    for (const userId of ['__proto__', 'constructor', 'hasOwnProperty']) {
      overrides.set(override(userId, 'v1'), client);
      expect(overrides.get(KEY, userId, 'e')).toBe('v1');
    }
    expect(client.forced.size).toBe(0);
  });

  it(`overrides are at most ${OVERRIDES_MAX} a key, and room is made by taking one away`, () => {
    const overrides = new Overrides();
    const client = new FakeClient();
    for (let i = 0; i < OVERRIDES_MAX; i++) expect(overrides.set(override(`u${i}`, 'v'), client)).toBe(true);
    expect(overrides.set(override('one more', 'v'), client)).toBe(false);
    expect(overrides.set(override('u7', 'w'), client)).toBe(true);
    expect(overrides.set({ ...override('another key', 'v'), sdkKey: OTHER_KEY }, client)).toBe(true);
    expect(overrides.set(override('u7', null), client)).toBe(true);
    expect(overrides.set(override('u7', null), client)).toBe(true);
    expect(overrides.set(override('one more', 'v'), client)).toBe(true);
    expect(overrides.count(KEY)).toBe(OVERRIDES_MAX);
  });

  it('tell of what was asked for here, and not of what was learned from others', () => {
    const told: (string | null)[] = [];
    const overrides = new Overrides(({ variationKey }) => told.push(variationKey));
    const client = new FakeClient();
    overrides.set(override('u', 'v1'), client);
    overrides.accept(override('w', 'v2'), null);
    expect([...overrides.all()].map(({ userId }) => userId)).toEqual(['u', 'w']);
    overrides.clear(KEY, client);
    expect(told).toEqual(['v1', null, null]);
    expect([...overrides.all()]).toEqual([]);
  });
});
