// Variations that a request forces, in a flag whose rules have variations of one key with other ids and other values.

import { expect, it } from 'vitest';
import { flag, rule, variation } from '../../../support/project-builder.ts';
import { startProject } from '../../support/project.ts';

/** The order of the rules, that of the experiments' list and that of the ids are three orders. */
const PARTS = {
  experiments: [
    rule('22', 'second', [variation('300', 'wanted', true)]),
    rule('21', 'first', [variation('400', 'wanted', false)]),
  ],
  rollouts: [{ id: 'r1', experiments: [rule('default-1', 'default-1', [variation('200', 'wanted', true)])] }],
  featureFlags: [flag('1', 'tested', ['21', '22'], 'r1')],
};

it.each([
  ['one flag', '?keys=tested'],
  ['all flags', ''],
])(
  'a forced decision means the first variation of its key in the order of the rules: %s',
  async (_, query) => {
    const { post, events } = await startProject(PARTS);
    const forcedDecisions = [{ flagKey: 'tested', variationKey: 'wanted' }];
    const { json } = await post(`/v1/decide${query}`, { userId: 'ann', forcedDecisions });
    expect([json].flat()).toMatchObject([{ variationKey: 'wanted', enabled: false, ruleKey: '' }]);
    expect((await events(1))[0]?.decision).toMatchObject({
      variation_id: '400',
      metadata: { enabled: false },
    });
  },
);

it('a variation that the SDK mixes into another rule keeps its place, the last', async () => {
  const { post, events } = await startProject({
    ...PARTS,
    experiments: [...PARTS.experiments, rule('23', 'rollout', [variation('500', 'other')], { type: 'fr' })],
    featureFlags: [flag('1', 'tested', ['23', '21'], 'r1')],
  });
  const forcedDecisions = [{ flagKey: 'tested', variationKey: 'wanted' }];
  await post('/v1/decide?keys=tested', { userId: 'ann', forcedDecisions });
  expect((await events(1))[0]?.decision).toMatchObject({ variation_id: '400' });
});

it('a forced decision for an experiment means the variation of that experiment', async () => {
  const [second, first] = PARTS.experiments;
  const { post, events } = await startProject({
    ...PARTS,
    experiments: [second, { ...first, trafficAllocation: [] }],
  });
  const forcedDecisions = [{ flagKey: 'tested', ruleKey: 'second', variationKey: 'wanted' }];
  const { json } = await post('/v1/decide?keys=tested', { userId: 'ann', forcedDecisions });
  expect(json).toMatchObject({ variationKey: 'wanted', enabled: true, ruleKey: 'second' });
  expect((await events(1))[0]?.decision).toMatchObject({ variation_id: '300' });
});
