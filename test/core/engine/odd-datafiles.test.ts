// Datafiles of which one part is missing or something else: what the engine does not refuse it decides as the SDK does.

import { expect, it } from 'vitest';
import { compareAll, emptyTally } from '../../lab/engine/compare.ts';
import type { AnyUser } from '../../lab/engine/projects.ts';
import { fullDatafile, knockedOut } from '../../support/full-datafile.ts';

const WHOLE = ['version', 'revision', 'projectId', 'sdkKey', 'experiments', 'featureFlags', 'rollouts'];

const plain = { segments: null, forced: [], overrides: {}, profile: null };
const USERS: readonly AnyUser[] = [
  { ...plain, userId: 'ann', userAttributes: {} },
  { ...plain, userId: 'bob', userAttributes: { country: 'SE' }, segments: ['vip'] },
  { ...plain, userId: 'cid', userAttributes: { country: 'JP' }, profile: { 101: '301', 102: '302' } },
  {
    ...plain,
    ...{ userId: 'dan', userAttributes: { country: 7 }, profile: {}, overrides: { group_test: 'red' } },
    forced: [
      { flagKey: 'tested', ruleKey: 'test', variationKey: 'blue' },
      { flagKey: 'targeted', ruleKey: '', variationKey: 'ja' },
    ],
  },
];

it('whatever one part of it is, the engine decides a datafile as the SDK does, or leaves the flag to it', () => {
  const tally = emptyTally();
  compareAll(JSON.stringify(fullDatafile()), USERS, tally);
  expect(tally.refused.size).toBe(0);
  for (const { path, standIn, datafile } of knockedOut()) {
    // Refused as a whole.
    if (path.length === 1 && WHOLE.includes(String(path[0]))) continue;
    try {
      compareAll(JSON.stringify(datafile), USERS, tally);
    } catch (error) {
      throw new Error(`${path.join('.')} = ${JSON.stringify(standIn)}`, { cause: error });
    }
  }
  expect(tally.compared).toBeGreaterThan(15_000);
});
