// isEveryoneElseVariation: whether the rule that decided is the one for whom no other rule is.

import { expect, it } from 'vitest';
import { flag, rule, variation } from '../../../support/project-builder.ts';
import { startProject } from '../../support/project.ts';

const off = (id: string) => [variation(id, 'off', false)];
const PARTS = {
  experiments: [rule('21', 'test', [variation('31', 'on')])],
  rollouts: [
    { id: 'r1', experiments: [rule('default-rollout-1', 'default-rollout-1', off('32'))] },
    { id: 'r2', experiments: [rule('23', 'default-rollout-2', off('33'))] },
    { id: 'r3', experiments: [rule('rollout-3', 'rollout-3', off('34'))] },
    // The first rule of a key is the one that the key means.
    {
      id: 'r4',
      experiments: [
        rule('25', 'default-4', off('35'), { trafficAllocation: [] }),
        rule('default-4', 'default-4', off('36')),
      ],
    },
  ],
  featureFlags: [
    flag('1', 'everyone', [], 'r1'),
    flag('2', 'other_id', [], 'r2'),
    flag('3', 'other_name', [], 'r3'),
    flag('4', 'named_twice', [], 'r4'),
    flag('5', 'tested', ['21'], 'r1'),
    flag('6', 'empty'),
  ],
};
const ANSWERS = {
  ...{ everyone: true, other_id: false, other_name: false, named_twice: false, tested: false, empty: false },
};

it.each([
  ['', []],
  ['with reasons', ['INCLUDE_REASONS']],
  ['without variables', ['EXCLUDE_VARIABLES']],
])('is told of one flag, several and all %s', async (_, decideOptions) => {
  const { post } = await startProject(PARTS);
  const body = { userId: 'ann', decideOptions };
  const told = (decisions: readonly { flagKey: string; isEveryoneElseVariation: boolean }[]) =>
    Object.fromEntries(decisions.map((it) => [it.flagKey, it.isEveryoneElseVariation]));
  const keys = Object.keys(ANSWERS).map((key) => `keys=${key}`);
  // The second time the answer is put together from what is known.
  for (const query of ['', `?${keys.join('&')}`, ''])
    expect(told((await post(`/v1/decide${query}`, body)).json)).toEqual(ANSWERS);
  const [first] = keys;
  expect(told([(await post(`/v1/decide?${first}`, body)).json])).toEqual({ everyone: true });
  const unknown = (await post('/v1/decide?keys=unknown', body)).json;
  expect(unknown.isEveryoneElseVariation).toBe(false);
});
