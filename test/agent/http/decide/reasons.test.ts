// Reasons in the original's words. Those of the recording are compared in vectors.test.ts; here are the other ways.

import { describe, expect, it } from 'vitest';
import { type RecordedAgent, startRecorded, WITH_PROFILES } from '../recorded-agent.ts';

const BOB = { attr_0: 'v0', attr_1: 10, attr_2: 'beta tester' };
const isTrue = (key: string) => `Audiences for experiment ${key} collectively evaluated to true.`;
const isFalse = (key: string) => `Audiences for experiment ${key} collectively evaluated to false.`;
const isUntold = (id: string) => `an error occurred while evaluating nested tree for audience ID "${id}"`;

async function reasons(flagKey: string, body: object, agent?: RecordedAgent): Promise<readonly string[]> {
  const asked = { decideOptions: ['INCLUDE_REASONS'], ...body };
  const { post } = agent ?? (await startRecorded());
  return (await post(`/v1/decide?keys=${flagKey}`, asked)).json.reasons;
}

describe('the reasons of a decision', () => {
  it('for a user of an experiment are its audiences alone', async () => {
    expect(await reasons('flag_3', { userId: 'bob', userAttributes: BOB })).toEqual([isTrue('exp_3')]);
  });

  it('name the audiences that cannot be told, and the rules that were passed on the way', async () => {
    expect(await reasons('flag_0', { userId: 'bob' })).toEqual([
      isUntold('10000000014'),
      isFalse('exp_0'),
      'User "bob" does not meet conditions to be in experiment "exp_0".',
      isUntold('10000000013'),
      'User "bob" does not meet conditions for targeting rule 1.',
      isTrue('default-0'),
      'User "bob" meets conditions for targeting rule "Everyone Else".',
    ]);
  });

  it('leave out audiences that can be told', async () => {
    const wrong = { attr_0: 'x', attr_1: 'x', attr_2: -1, attr_3: 'x' };
    const told = await reasons('flag_0', { userId: 'bob', userAttributes: wrong });
    expect(told.filter((reason) => reason.startsWith('an error'))).toEqual([isUntold('10000000014')]);
  });

  it('the reasons of a decision of a user on the list of an experiment name both', async () => {
    expect(await reasons('flag_3', { userId: 'vip_user' })).toEqual([
      'User "vip_user" is whitelisted into variation "variation_1" of experiment "exp_3".',
    ]);
  });

  it('the reasons of a decision of an override name it', async () => {
    const agent = await startRecorded();
    await agent.post('/v1/override', { userId: 'eve', experimentKey: 'exp_5', variationKey: 'variation_1' });
    expect(await reasons('flag_5', { userId: 'eve' }, agent)).toEqual([
      'Override variation variation_1 found for user eve',
    ]);
  });

  it('the reasons hold for a user of any id', async () => {
    const userId = 'User x meets conditions for targeting rule 1.\n"';
    expect((await reasons('flag_0', { userId })).at(-1)).toBe(
      `User "${userId}" meets conditions for targeting rule "Everyone Else".`,
    );
  });

  it('the reasons of several flags are in the answer, and none where the request did not ask for them', async () => {
    const body = { userId: 'bob', userAttributes: BOB, decideOptions: ['INCLUDE_REASONS'] };
    const agent = await startRecorded();
    const { json } = await agent.post('/v1/decide', body);
    const of = (key: string) => json.find(({ flagKey }: { flagKey: string }) => flagKey === key).reasons;
    expect(of('flag_3')).toEqual([isTrue('exp_3')]);
    expect(await reasons('flag_0', { userId: 'bob', decideOptions: [] }, agent)).toEqual([]);
  });

  it('the reasons of a decision of a variation that was kept say so', async () => {
    const { post } = await startRecorded({ settings: WITH_PROFILES });
    const body = { userId: 'ann', decideOptions: ['INCLUDE_REASONS'] };
    const first = (await post('/v1/decide?keys=flag_5', body)).json;
    expect(first.reasons).toEqual([isTrue('exp_5')]);
    expect((await post('/v1/decide?keys=flag_5', body)).json.reasons).toEqual([
      `User "ann" was previously bucketed into variation "${first.variationKey}" of experiment "exp_5".`,
    ]);
  });
});
