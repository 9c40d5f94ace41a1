// What INCLUDE_REASONS says of a flag of which a part is left out, or which is set aside because its decision throws.

import { expect, it } from 'vitest';
import { flag, rule, variation } from '../../../support/project-builder.ts';
import { startProject } from '../../support/project.ts';

const isTrue = 'Audiences for experiment test collectively evaluated to true.';
const PARTS = {
  experiments: [
    rule('21', 'test', [variation('31', 'on')]),
    // The SDK takes a name that every object has for an audience that is there, and throws.
    rule('22', 'throws', [variation('32', 'on')], { audienceConditions: ['constructor'] }),
  ],
  featureFlags: [
    flag('1', 'sound', ['21']),
    flag('2', 'partly', ['21', '404']),
    flag('3', 'set_aside', ['22']),
  ],
};

it.each([
  ['sound', [isTrue]],
  ['partly', ['experiment "404" is not in the datafile', isTrue]],
  [
    'set_aside',
    [
      expect.stringMatching(/^flag "set_aside" is off: its decision throws \(.+\)$/),
      'Rollout with ID "" is not in the datafile.',
    ],
  ],
])('names it, where reasons are asked for: flag %s', async (key, reasons) => {
  const { post } = await startProject(PARTS);
  const decide = async (query: string, decideOptions: readonly string[]) =>
    [(await post(`/v1/decide${query}`, { userId: 'ann', decideOptions })).json].flat();
  for (const query of [`?keys=${key}`, '', `?keys=${key}&keys=sound`]) {
    const told = (await decide(query, ['INCLUDE_REASONS'])).find(({ flagKey }) => flagKey === key);
    expect(told.reasons).toEqual(reasons);
  }
  expect((await decide(`?keys=${key}`, []))[0].reasons).toEqual([]);
});
