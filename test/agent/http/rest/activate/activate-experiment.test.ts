// An experiment on /v1/activate is decided by itself, not by the other rules of its flag.

import { describe, expect, it } from 'vitest';
import { flag, holdout, predictedRule, rule, variation } from '../../../../support/project-builder.ts';
import { predicts, startProject, WITH_MEMORY_PROFILES } from '../../../support/project.ts';

const ann = { userId: 'ann' };
const two = (first: string, second: string) => [variation(first, 'a'), variation(second, 'b', false)];
const PREDICTED = predictedRule('22', 'predicted', two('32', '33'));
const PARTS = {
  experiments: [rule('21', 'first', [variation('31', 'on')]), PREDICTED],
  featureFlags: [flag('1', 'flag', ['21', '22'])],
};
const activated = (variationKey: string) => [
  {
    ...{ userId: 'ann', experimentKey: 'predicted', featureKey: '', variationKey },
    ...{ type: 'experiment', enabled: variationKey !== '' },
  },
];
const ASK = '/v1/activate?experimentKey=predicted';
const note = (type: string, info: object, attributes: unknown = null) => ({
  Type: type,
  UserContext: { ID: 'ann', Attributes: attributes, QualifiedSegments: null },
  DecisionInfo: { experimentKey: 'predicted', ...info },
});

describe('an experiment whose variation is predicted', () => {
  it.each([
    ['another rule of its flag comes first', PARTS],
    ['its flag is held out', { ...PARTS, holdouts: [holdout('41', 'held')] }],
    ['it is no rule of any flag', { experiments: [PREDICTED] }],
  ])(
    'an experiment whose variation is predicted is decided where %s, and leaves its own impression',
    async (_, parts) => {
      const project = await startProject(parts);
      project.prediction = predicts('33');
      expect((await project.post(ASK, ann)).json).toEqual(activated('b'));
      const sent = await project.events(1);
      expect(sent.map(({ decision }) => decision)).toEqual([
        {
          ...{ campaign_id: '122', experiment_id: '22', variation_id: '33' },
          metadata: {
            ...{ flag_key: '', rule_key: 'predicted', rule_type: 'experiment', variation_key: 'b' },
            ...{ enabled: true, cmab_uuid: expect.any(String) },
          },
        },
      ]);
    },
  );

  it('an experiment whose variation is predicted is told as what it is, with the attributes as they came', async () => {
    const project = await startProject(PARTS);
    project.prediction = predicts('32');
    const notes = await project.notesOf(async () => {
      await project.post(ASK, ann);
      await project.post(ASK, { ...ann, userAttributes: {} });
    });
    expect(notes).toEqual([
      note('feature-test', { variationKey: 'a' }),
      note('feature-test', { variationKey: 'a' }, {}),
    ]);
    const alone = await startProject({ experiments: [PREDICTED] });
    alone.prediction = predicts('32');
    expect(await alone.notesOf(() => alone.post(ASK, ann))).toEqual([note('ab-test', { variationKey: 'a' })]);
  });

  it('leaves no impression where tracking is off, or there is no prediction', async () => {
    const project = await startProject(PARTS);
    const notes = await project.notesOf(async () => {
      expect((await project.post(ASK, ann)).json).toEqual(activated(''));
      project.prediction = predicts('31'); // Of another rule.
      expect((await project.post(ASK, ann)).json).toEqual(activated(''));
    });
    expect(notes).toEqual([]);
    project.prediction = predicts('32');
    expect((await project.post(`${ASK}&disableTracking=true`, ann)).json).toEqual(activated('a'));
    await project.post(ASK, { userId: 'loud' });
    expect((await project.events(1)).map(({ visitorId }) => visitorId)).toEqual(['loud']);
  });

  it('goes by an override before the prediction', async () => {
    const project = await startProject(PARTS);
    await project.post('/v1/override', { userId: 'ann', experimentKey: 'predicted', variationKey: 'b' });
    expect((await project.post(ASK, ann)).json).toEqual(activated('b'));
    expect(project.predictions()).toBe(0);
  });

  it('an experiment whose variation is predicted is in no variation for whom it is not meant, and says so', async () => {
    const noTraffic = { cmab: { attributeIds: [], trafficAllocation: 0 } };
    const project = await startProject({ experiments: [{ ...PREDICTED, ...noTraffic }] });
    const notes = await project.notesOf(() => project.post(ASK, ann));
    expect(notes).toEqual([note('ab-test', {})]);
    expect(project.predictions()).toBe(0);
  });

  it('an experiment whose variation is predicted is predicted also for a user with a saved variation, which stays saved', async () => {
    const project = await startProject(PARTS, WITH_MEMORY_PROFILES);
    project.prediction = predicts('32');
    const experimentBucketMap = { 22: { variation_id: '33' } };
    await project.post('/v1/save', { ...ann, experimentBucketMap });
    expect((await project.post(ASK, ann)).json).toEqual(activated('a'));
    const decided = (await project.post('/v1/decide?keys=flag', ann)).json;
    expect(decided.ruleKey).toBe('first');
    expect((await project.post('/v1/lookup', ann)).json.experimentBucketMap).toEqual({
      ...experimentBucketMap,
      21: { variation_id: '31' },
    });
  });
});

it('an experiment that is bucketed is told without a variation where there is none', async () => {
  const project = await startProject({
    experiments: [rule('21', 'predicted', [variation('31', 'on')], { trafficAllocation: [] })],
  });
  expect(await project.notesOf(() => project.post(ASK, ann))).toEqual([note('ab-test', {})]);
});
