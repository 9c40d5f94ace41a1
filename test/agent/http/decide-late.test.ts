// Decisions that wait for somebody outside: what is answered when that fails.

import { describe, expect, it } from 'vitest';
import {
  flag,
  predictedRule,
  predicts,
  rule,
  startProject,
  variation,
  WITH_MEMORY_PROFILES,
} from '../support/project.ts';

const PARTS = {
  experiments: [predictedRule('22', 'predicted', [variation('32', 'on'), variation('33', 'off', false)])],
  rollouts: [{ id: 'r1', experiments: [rule('25', 'delivered', [variation('35', 'on')])] }],
  featureFlags: [flag('1', 'flag', ['22'], 'r1'), flag('2', 'other', [], 'r1')],
};
const ann = { userId: 'ann' };

describe('a flag whose variation cannot be predicted', () => {
  it.each([[[]], [['INCLUDE_REASONS']]])('is off, for one reason, with %j', async (decideOptions) => {
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
  });

  it.each(['999', '35'])('names the variation that its rule does not have: %s', async (variationId) => {
    const project = await startProject(PARTS);
    project.prediction = predicts(variationId);
    expect((await project.post('/v1/decide?keys=flag', ann)).json).toMatchObject({
      ...{ variationKey: '', ruleKey: '', enabled: false },
      reasons: [`variation with ID ${variationId} not found in experiment 22`],
    });
  });
});

it('a prediction holds whatever was kept of the user', async () => {
  const project = await startProject(PARTS, WITH_MEMORY_PROFILES);
  project.prediction = predicts('32');
  await project.post('/v1/save', { ...ann, experimentBucketMap: { 22: { variation_id: '33' } } });
  const { json } = await project.post('/v1/decide?keys=flag', ann);
  expect(json).toMatchObject({ ruleKey: 'predicted', variationKey: 'on' });
});
