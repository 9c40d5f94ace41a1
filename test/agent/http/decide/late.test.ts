// Decisions that wait for a service outside: what is answered when it fails, and what listeners are told.

import { describe, expect, it } from 'vitest';
import { flag, predictedRule, rule, variation } from '../../../support/project-builder.ts';
import { predicts, startProject, WITH_MEMORY_PROFILES } from '../../support/project.ts';

const PARTS = {
  experiments: [predictedRule('22', 'predicted', [variation('32', 'on'), variation('33', 'off', false)])],
  rollouts: [{ id: 'r1', experiments: [rule('25', 'delivered', [variation('35', 'on')])] }],
  featureFlags: [flag('1', 'flag', ['22'], 'r1'), flag('2', 'other', [], 'r1')],
};
const ann = { userId: 'ann' };

describe('a flag whose variation cannot be predicted', () => {
  it.each([[[]], [['INCLUDE_REASONS']]])(
    'a flag whose variation cannot be predicted is off, for one reason, with %j',
    async (decideOptions) => {
      const { post, notesOf } = await startProject(PARTS);
      const off = {
        ...{ flagKey: 'flag', variationKey: '', ruleKey: '', enabled: false },
        reasons: ['Failed to fetch CMAB data for experiment predicted.'],
      };
      const notes = await notesOf(async () => {
        expect((await post('/v1/decide?keys=flag', { ...ann, decideOptions })).json).toMatchObject(off);
      });
      expect(notes).toEqual([]);
      const { json } = await post('/v1/decide', { ...ann, decideOptions });
      expect(json[0]).toMatchObject(off);
      expect(json[1]).toMatchObject({ flagKey: 'other', ruleKey: 'delivered', enabled: true });
    },
  );

  it.each(['999', '35'])('names the variation that its rule does not have: %s', async (variationId) => {
    const project = await startProject(PARTS);
    project.prediction = predicts(variationId);
    expect((await project.post('/v1/decide?keys=flag', ann)).json).toMatchObject({
      ...{ variationKey: '', ruleKey: '', enabled: false },
      reasons: [`variation with ID ${variationId} not found in experiment 22`],
    });
  });
});

it('a flag that is named twice asks for one prediction', async () => {
  const project = await startProject(PARTS);
  project.prediction = predicts('32');
  await project.post('/v1/decide?keys=flag&keys=flag', ann);
  expect(project.predictions()).toBe(1);
});

it('a prediction holds, also against a saved variation of the user', async () => {
  const project = await startProject(PARTS, WITH_MEMORY_PROFILES);
  project.prediction = predicts('32');
  await project.post('/v1/save', { ...ann, experimentBucketMap: { 22: { variation_id: '33' } } });
  const { json } = await project.post('/v1/decide?keys=flag', ann);
  expect(json).toMatchObject({ ruleKey: 'predicted', variationKey: 'on' });
});

it('listeners are told the segments that the user is in, and the reasons of the answer', async () => {
  const condition = {
    type: 'third_party_dimension',
    name: 'odp.audiences',
    match: 'qualified',
    value: 'vip',
  };
  const { post, notesOf } = await startProject({
    typedAudiences: [{ id: '51', name: 'vips', conditions: ['or', condition] }],
    rollouts: [
      { id: 'r1', experiments: [rule('25', 'vips', [variation('35', 'on')], { audienceIds: ['51'] })] },
    ],
    featureFlags: [flag('1', 'flag', [], 'r1')],
  });
  const body = { ...ann, decideOptions: ['INCLUDE_REASONS'] };
  const notes = await notesOf(async () => {
    await post('/v1/decide?keys=flag', { ...body, fetchSegments: true });
    await post('/v1/decide?keys=flag', body);
  });
  const isIn = 'Audiences for experiment vips collectively evaluated to true.';
  expect(notes.map(({ UserContext, DecisionInfo }) => [UserContext, DecisionInfo.reasons])).toEqual([
    [
      { ID: 'ann', Attributes: {}, QualifiedSegments: ['vip'] },
      [isIn, 'User "ann" meets conditions for targeting rule "Everyone Else".'],
    ],
    [{ ID: 'ann', Attributes: {}, QualifiedSegments: null }, []],
  ]);
});
