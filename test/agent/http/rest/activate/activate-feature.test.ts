// A flag on /v1/activate: what is answered, sent and told of it, by where its variation comes from.

import { describe, expect, it } from 'vitest';
import {
  audience,
  flag,
  holdout,
  predictedRule,
  rule,
  variation,
} from '../../../../support/project-builder.ts';
import { predicts, startProject, WITH_MEMORY_PROFILES } from '../../../support/project.ts';

const LIMIT = { id: '91', key: 'limit', type: 'integer', defaultValue: '3' };
const limited = (id: string, key: string, value: string, isOn = true) =>
  variation(id, key, isOn, [{ id: LIMIT.id, value }]);
const ROLLOUT = { id: 'r1', experiments: [rule('25', 'delivered', [limited('35', 'on', '7')])] };
const PARTS = {
  experiments: [rule('21', 'test', [limited('31', 'on', '5')])],
  rollouts: [ROLLOUT],
  featureFlags: [
    flag('1', 'tested', ['21'], '', [LIMIT]),
    flag('2', 'rolled_out', [], 'r1', [LIMIT]),
    flag('3', 'empty', [], '', [LIMIT]),
  ],
};
const ann = { userId: 'ann' };
const activation = (featureKey: string, more: object) => ({
  ...{ userId: 'ann', experimentKey: '', featureKey, variationKey: '', type: 'feature', enabled: true },
  ...more,
});
const told = (featureKey: string, more: object) => ({
  Type: 'all-feature-variables',
  UserContext: { ID: 'ann', Attributes: null, QualifiedSegments: null },
  DecisionInfo: { feature: { featureKey, featureEnabled: true, sourceInfo: {}, ...more } },
});

describe('a flag that is activated', () => {
  it('names the experiment and the variation, of a rollout neither', async () => {
    const { post } = await startProject(PARTS);
    const { json } = await post('/v1/activate?featureKey=tested&featureKey=rolled_out&featureKey=empty', ann);
    expect(json).toEqual([
      activation('tested', { experimentKey: 'test', variationKey: 'on', variables: { limit: 5 } }),
      activation('rolled_out', { variables: { limit: 7 } }),
      activation('empty', { enabled: false, variables: { limit: 3 } }),
    ]);
  });

  it('names the holdout that the user is in', async () => {
    const { post, notesOf, events } = await startProject({ ...PARTS, holdouts: [holdout('41', 'held')] });
    const notes = await notesOf(async () => {
      expect((await post('/v1/activate?type=feature&enabled=false', ann)).json).toEqual(
        ['tested', 'rolled_out', 'empty'].map((key) =>
          activation(key, {
            ...{ experimentKey: 'held', variationKey: 'off', enabled: false, variables: { limit: 3 } },
          }),
        ),
      );
    });
    const feature = { featureEnabled: false, source: 'holdout', variableValues: { limit: 3 } };
    expect(notes).toEqual(['tested', 'rolled_out', 'empty'].map((key) => told(key, feature)));
    expect((await events(3)).map(({ decision }) => decision?.metadata)).toMatchObject(
      ['tested', 'rolled_out', 'empty'].map((flag_key) => ({ flag_key, rule_type: 'holdout' })),
    );
  });

  it('leaves an impression of a user who is in a variation, and of no other', async () => {
    const { post, events } = await startProject(PARTS);
    await post('/v1/activate?type=feature&disableTracking=true', { userId: 'quiet' });
    await post('/v1/activate?type=feature', ann);
    // A decision tells of such a user too.
    await post('/v1/decide?keys=empty', { userId: 'decided' });
    const sent = (await events(3)).map(({ visitorId, decision }) => [
      visitorId,
      (decision as { metadata: { flag_key: string } }).metadata.flag_key,
    ]);
    expect(sent.sort()).toEqual([
      ['ann', 'rolled_out'],
      ['ann', 'tested'],
      ['decided', 'empty'],
    ]);
  });

  it('a flag that is activated is told as a feature with its variables and where they come from', async () => {
    const { post, notesOf } = await startProject(PARTS);
    const sourceInfo = { experimentKey: 'test', variationKey: 'on' };
    expect(await notesOf(() => post('/v1/activate?type=feature', ann))).toEqual([
      told('tested', { source: 'feature-test', sourceInfo, variableValues: { limit: 5 } }),
      told('rolled_out', { source: 'rollout', variableValues: { limit: 7 } }),
      told('empty', { featureEnabled: false, source: 'rollout', variableValues: { limit: 3 } }),
    ]);
  });

  it('a flag that is activated is told with the attributes as they came', async () => {
    const { post, notesOf } = await startProject(PARTS);
    const notes = await notesOf(async () => {
      for (const userAttributes of [undefined, null, {}, { country: 'SE' }])
        await post('/v1/activate?featureKey=tested', { userId: 'ann', userAttributes });
    });
    expect(notes.map((note) => note.UserContext.Attributes)).toEqual([null, null, {}, { country: 'SE' }]);
  });
});

describe('a flag whose variation is predicted', () => {
  const PREDICTED = {
    experiments: [predictedRule('22', 'predicted', [limited('32', 'on', '5')])],
    rollouts: [ROLLOUT],
    typedAudiences: [audience('51', { name: 'country', value: 'SE' })],
    featureFlags: [flag('1', 'guessed', ['22'], 'r1', [LIMIT])],
  };

  it('a flag whose variation is predicted is answered and told like any other', async () => {
    const project = await startProject(PREDICTED);
    project.prediction = predicts('32');
    const notes = await project.notesOf(async () => {
      expect((await project.post('/v1/activate?featureKey=guessed', ann)).json).toEqual([
        activation('guessed', { experimentKey: 'predicted', variationKey: 'on', variables: { limit: 5 } }),
      ]);
    });
    const sourceInfo = { experimentKey: 'predicted', variationKey: 'on' };
    expect(notes).toEqual([
      told('guessed', { source: 'feature-test', sourceInfo, variableValues: { limit: 5 } }),
    ]);
    const [sent] = await project.events(1);
    expect(sent?.decision).toMatchObject({ metadata: { cmab_uuid: expect.any(String) } });
  });

  it('a flag whose variation is predicted is off where that fails, with its own values, and leaves no impression', async () => {
    const project = await startProject(PREDICTED);
    const notes = await project.notesOf(async () => {
      expect((await project.post('/v1/activate?featureKey=guessed', ann)).json).toEqual([
        activation('guessed', { enabled: false, variables: { limit: 3 } }),
      ]);
    });
    expect(notes).toEqual([
      told('guessed', { featureEnabled: false, source: '', variableValues: { limit: 3 } }),
    ]);
    await project.post('/v1/decide?keys=guessed', {
      userId: 'later',
      forcedDecisions: [{ flagKey: 'guessed', variationKey: 'on' }],
    });
    expect((await project.events(1)).map(({ visitorId }) => visitorId)).toEqual(['later']);
  });
});

it('several flags keep their variations all, whichever had to be waited for', async () => {
  const project = await startProject(
    {
      experiments: [
        rule('21', 'one', [variation('31', 'on')]),
        rule('23', 'two', [variation('33', 'on')]),
        // For no user, so that the flag goes on to its next rule.
        predictedRule('22', 'slow', [variation('32', 'on')], {
          cmab: { attributeIds: [], trafficAllocation: 0 },
        }),
      ],
      featureFlags: [flag('1', 'late', ['22', '21']), flag('2', 'soon', ['23'])],
    },
    WITH_MEMORY_PROFILES,
  );
  await project.post('/v1/activate?type=feature', ann);
  const { json } = await project.post('/v1/lookup', ann);
  expect(json.experimentBucketMap).toEqual({ 21: { variation_id: '31' }, 23: { variation_id: '33' } });
});
