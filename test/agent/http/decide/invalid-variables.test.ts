// Variables whose value is none of their type: what is decided all the same, and where it is said.

import { describe, expect, it } from 'vitest';
import { flag, holdout, rule, variation } from '../../../support/project-builder.ts';
import { startProject } from '../../support/project.ts';

const variable = (id: string, key: string, type: string, defaultValue: string) => ({
  ...{ id, key, type, defaultValue },
});
const uses = (values: Readonly<Record<string, string>>) =>
  Object.entries(values).map(([id, value]) => ({ id, value }));
const PARTS = {
  experiments: [rule('21', 'test', [variation('31', 'on', true, uses({ 91: 'x', 93: '2' }))])],
  rollouts: [
    {
      id: 'r1',
      experiments: [rule('25', 'rest', [variation('35', 'on', false, uses({ 91: '5', 93: '6' }))])],
    },
  ],
  featureFlags: [
    flag('1', 'tested', ['21'], '', [
      variable('91', 'count', 'integer', '1'),
      variable('92', 'truth', 'boolean', 'TRUE'),
      variable('93', 'share', 'integer', '1.5'),
      variable('94', 'shape', 'json', '{'),
    ]),
    // It is off: its own values count.
    flag('2', 'off', [], 'r1', [variable('95', 'share', 'integer', '1.5')]),
    flag('3', 'sound', [], 'r1', [variable('96', 'limit', 'integer', '3')]),
  ],
};
const isInvalid = (key: string) => `Variable value for key "${key}" is invalid or wrong type.`;
const ann = { userId: 'ann' };

describe('an invalid value', () => {
  it('an invalid value is the nothing of its type, and the first of the reasons, asked for or not', async () => {
    const { post } = await startProject(PARTS);
    const tested = {
      variables: { count: 0, truth: true, share: 2, shape: null },
      reasons: [isInvalid('count'), isInvalid('shape')],
    };
    expect((await post('/v1/decide?keys=tested', ann)).json).toMatchObject(tested);
    const { json } = await post('/v1/decide?keys=tested', { ...ann, decideOptions: ['INCLUDE_REASONS'] });
    expect(json.reasons).toEqual([
      ...tested.reasons,
      'Audiences for experiment test collectively evaluated to true.',
    ]);
    expect((await post('/v1/decide', ann)).json).toMatchObject([
      tested,
      { variables: { share: 0 }, reasons: [isInvalid('share')] },
      { variables: { limit: 3 }, reasons: [] },
    ]);
    const without = { ...ann, decideOptions: ['EXCLUDE_VARIABLES'] };
    expect((await post('/v1/decide?keys=tested', without)).json.reasons).toEqual([]);
  });

  it.each([
    ['integer', 0],
    ['double', 0],
    ['boolean', false],
  ])('an invalid value is also the empty text, and a default that is missing: %s', async (type, value) => {
    const missing = [undefined, null, ''].map((defaultValue, i) => ({
      id: `${i}`,
      key: `k${i}`,
      type,
      defaultValue,
    }));
    const { post } = await startProject({ featureFlags: [flag('1', 'flag', [], '', missing)] });
    expect((await post('/v1/decide?keys=flag', ann)).json).toMatchObject({
      variables: { k0: value, k1: value, k2: value },
      reasons: ['k0', 'k1', 'k2'].map(isInvalid),
    });
  });

  it('an invalid value of a forced decision or a holdout is said too', async () => {
    const { post } = await startProject(PARTS);
    const forced = { ...ann, forcedDecisions: [{ flagKey: 'tested', variationKey: 'on' }] };
    expect((await post('/v1/decide?keys=tested', forced)).json).toMatchObject({
      ...{ ruleKey: '', variationKey: 'on', variables: { count: 0 } },
      reasons: [isInvalid('count'), isInvalid('shape')],
    });
    const held = await startProject({ ...PARTS, holdouts: [holdout('41', 'held')] });
    expect((await held.post('/v1/decide?keys=tested', ann)).json).toMatchObject({
      ...{ ruleKey: 'held', variables: { count: 1, truth: true, share: 0 } },
      reasons: [isInvalid('share'), isInvalid('shape')],
    });
  });

  it('an invalid value is told to listeners', async () => {
    const { post, notesOf } = await startProject(PARTS);
    const [note] = await notesOf(() => post('/v1/decide?keys=off', ann));
    expect(note?.DecisionInfo).toMatchObject({ variables: { share: 0 }, reasons: [isInvalid('share')] });
  });

  it('makes an activation of the flag fail, and no other', async () => {
    const { post } = await startProject(PARTS);
    expect(await post('/v1/activate?featureKey=off', ann)).toEqual({
      status: 400,
      json: { error: isInvalid('share') },
    });
    expect(await post('/v1/activate?featureKey=sound', ann)).toMatchObject({
      status: 200,
      json: [{ variables: { limit: 3 } }],
    });
  });
});
