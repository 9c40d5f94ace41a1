// Reasons of newer kinds of rules, and of what a datafile or a request may hold that cannot be told, in the original's words.

import { describe, expect, it } from 'vitest';
import { audience, flag, holdout, predictedRule, rule, variation } from '../../../support/project-builder.ts';
import { predicts, startProject, WITH_MEMORY_PROFILES } from '../../support/project.ts';

const SWEDISH = audience('51', { name: 'country', value: 'SE' });
const on = (id: string) => [variation(id, 'on')];
const isTrue = (key: string, what = 'experiment') =>
  `Audiences for ${what} ${key} collectively evaluated to true.`;
const isFalse = (key: string, what = 'experiment') =>
  `Audiences for ${what} ${key} collectively evaluated to false.`;
const isUntold = (id: string) => `an error occurred while evaluating nested tree for audience ID "${id}"`;
const NOT_A_TEXT = '"invalid bucketing ID provided: \\"7\\""';

async function reasons(parts: object, body: object = {}, predicted = ''): Promise<readonly string[]> {
  const project = await startProject({ typedAudiences: [SWEDISH], ...parts });
  if (predicted !== '') project.prediction = predicts(predicted);
  const asked = { userId: 'ann', decideOptions: ['INCLUDE_REASONS'], ...body };
  return (await project.post('/v1/decide?keys=flag', asked)).json.reasons;
}

describe('of a holdout', () => {
  const held = (more: object = {}) => ({
    holdouts: [holdout('41', 'held', more)],
    experiments: [rule('21', 'test', on('31'))],
    featureFlags: [flag('1', 'flag', ['21'])],
  });

  it('it is said that it is one, and which variation it has', async () => {
    expect(await reasons(held())).toEqual([
      isTrue('held', 'holdout'),
      'User ann meets conditions for holdout held.',
      'User ann is in variation off of holdout held.',
    ]);
  });

  it('for others, or for none of the traffic, the rules go on', async () => {
    expect(await reasons(held({ audienceIds: ['51'] }))).toEqual([
      isUntold('51'),
      isFalse('held', 'holdout'),
      'User ann does not meet conditions for holdout held.',
      isTrue('test'),
    ]);
    expect(await reasons(held({ trafficAllocation: [] }))).toEqual([
      isTrue('held', 'holdout'),
      'User ann meets conditions for holdout held.',
      'User ann is in no holdout variation.',
      isTrue('test'),
    ]);
  });

  it('of a holdout that is over nothing is said', async () => {
    expect(await reasons(held({ status: 'Concluded' }))).toEqual([isTrue('test')]);
  });
});

describe('of a rule whose variation is predicted', () => {
  const guessed = (more: object = {}) => ({
    experiments: [predictedRule('22', 'guess', on('32'), more)],
    rollouts: [{ id: 'r1', experiments: [rule('25', 'rest', on('35'))] }],
    featureFlags: [flag('1', 'flag', ['22'], 'r1')],
  });
  const rest = [isTrue('rest'), 'User "ann" meets conditions for targeting rule "Everyone Else".'];

  it('it is said who chose', async () => {
    expect(await reasons(guessed(), {}, '32')).toEqual([
      isTrue('guess'),
      'User bucketed into variation on by CMAB service',
    ]);
  });

  it('it is said why the user is not asked for', async () => {
    expect(await reasons(guessed({ audienceIds: ['51'] }))).toEqual([
      ...[isUntold('51'), isFalse('guess'), 'User ann not in audience for CMAB experiment guess'],
      ...rest,
    ]);
    const noTraffic = { cmab: { attributeIds: [], trafficAllocation: 0 } };
    expect(await reasons(guessed(noTraffic))).toEqual([
      ...[isTrue('guess'), 'User ann not in CMAB experiment guess due to traffic allocation'],
      ...rest,
    ]);
  });
});

describe('of a user with an id to bucket by that is no text', () => {
  it.each([
    [7, '7'],
    [null, '<nil>'],
    [true, 'true'],
    [[1, 'x'], '[1 x]'],
    [{ b: 1, a: null }, 'map[a:<nil> b:1]'],
  ])('it is said wherever a bucket is looked for: %j', async ($opt_bucketing_id, printed) => {
    const parts = {
      holdouts: [holdout('41', 'held', { trafficAllocation: [] })],
      experiments: [
        predictedRule('22', 'guess', on('32'), { cmab: { attributeIds: [], trafficAllocation: 0 } }),
        rule('21', 'test', on('31'), { trafficAllocation: [] }),
      ],
      rollouts: [{ id: 'r1', experiments: [rule('25', 'rest', on('35'))] }],
      featureFlags: [flag('1', 'flag', ['22', '21'], 'r1')],
    };
    const problem = `invalid bucketing ID provided: "${printed}"`;
    const quoted = JSON.stringify(problem);
    const lines = await reasons(parts, { userAttributes: { $opt_bucketing_id } });
    expect(lines.filter((line) => line.startsWith('Error'))).toEqual([
      `Error computing bucketing ID for holdout "held": ${quoted}`,
      `Error computing bucketing ID for CMAB experiment guess: ${problem}`,
      `Error computing bucketing ID for experiment "test": ${quoted}`,
      `Error computing bucketing ID for experiment "rest": ${quoted}`,
    ]);
  });

  it('it is not said of those whom no bucket is looked for', async () => {
    const lines = await reasons(
      {
        experiments: [rule('21', 'test', on('31'), { audienceIds: ['51'] })],
        featureFlags: [flag('1', 'flag', ['21'])],
      },
      { userAttributes: { $opt_bucketing_id: 7 } },
    );
    expect(lines.join()).not.toContain(NOT_A_TEXT);
  });
});

describe('of audiences', () => {
  const odd = [
    SWEDISH,
    audience('52', { name: 'plan', value: 'pro' }),
    {
      ...audience('53', {}),
      conditions: [
        'or',
        { type: 'odd', name: 'a', value: 1 },
        { type: 'custom_attribute', match: 'odd', name: 'a', value: 1 },
      ],
    },
  ];
  const delivered = (audienceIds: readonly string[]) => ({
    typedAudiences: odd,
    rollouts: [
      {
        id: 'r1',
        experiments: [rule('25', 'some', on('35'), { audienceIds }), rule('26', 'rest', on('36'))],
      },
    ],
    featureFlags: [flag('1', 'flag', [], 'r1')],
  });

  it('it is said what cannot be told, and why', async () => {
    expect(await reasons(delivered(['53', '54', '52']))).toEqual([
      'unable to evaluate condition of type "odd"',
      'invalid Condition matcher "odd"',
      isUntold('53'),
      'unable to evaluate nested tree for audience ID "54"',
      isUntold('52'),
      'User "ann" does not meet conditions for targeting rule 1.',
      isTrue('rest'),
      'User "ann" meets conditions for targeting rule "Everyone Else".',
    ]);
  });

  it('of audiences of a delivery rule that lets the user in it is said twice, as there', async () => {
    const userAttributes = { country: 'SE' };
    expect(await reasons(delivered(['52', '51']), { userAttributes })).toEqual([
      ...[isUntold('52'), isUntold('52')],
      isTrue('some'),
    ]);
    const tested = {
      typedAudiences: odd,
      experiments: [rule('21', 'test', on('31'), { audienceIds: ['52', '51'] })],
      featureFlags: [flag('1', 'flag', ['21'])],
    };
    expect(await reasons(tested, { userAttributes })).toEqual([isUntold('52'), isTrue('test')]);
  });
});

it('of a kept variation that the experiment does not have it is said, and another one is given and kept', async () => {
  const project = await startProject(
    {
      experiments: [rule('21', 'test', on('31')), rule('23', 'other', [variation('33', 'else')])],
      featureFlags: [flag('1', 'flag', ['21', '23'])],
    },
    WITH_MEMORY_PROFILES,
  );
  const decide = async (userId: string) =>
    (await project.post('/v1/decide?keys=flag', { userId, decideOptions: ['INCLUDE_REASONS'] })).json;
  // Of no experiment, and of another one.
  for (const variation_id of ['99', '33']) {
    const userId = `user of ${variation_id}`;
    await project.post('/v1/save', { userId, experimentBucketMap: { 21: { variation_id } } });
    expect(await decide(userId)).toMatchObject({
      variationKey: 'on',
      reasons: [
        `User "${userId}" was previously bucketed into variation with ID "${variation_id}" for experiment "test", but no matching variation was found.`,
        isTrue('test'),
      ],
    });
    expect((await decide(userId)).reasons).toEqual([
      `User "${userId}" was previously bucketed into variation "on" of experiment "test".`,
    ]);
    const { json } = await project.post('/v1/lookup', { userId });
    expect(json.experimentBucketMap).toEqual({ 21: { variation_id: '31' } });
  }
});
