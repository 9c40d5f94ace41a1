// The decision service: what every route that decides flags asks. What it answers is held to the SDK's own answers elsewhere.

import { expect, it, onTestFinished } from 'vitest';
import { FlagClients } from '../../../agent/decisions/clients.ts';
import { type Manner, UserDecisions } from '../../../agent/decisions/decide.ts';
import type { FlagDecision } from '../../../agent/decisions/flags/decision.ts';
import type { DecideOption } from '../../../agent/decisions/flags/request.ts';
import { sha256Of } from '../../../core/ids.ts';
import { bytesOf, flag, KEY, type Parts, projectOf, rule, variation } from '../../support/project-builder.ts';
import { ROOMY, unhurried } from '../support/bounds.ts';

const PARTS = {
  sendFlagDecisions: true,
  rollouts: [{ id: 'r1', experiments: [rule('25', 'delivered', [variation('35', 'on')])] }],
  featureFlags: [flag('1', 'on', [], 'r1'), flag('2', 'off')],
};

/** With a field that the engine does not know. */
const odd = { ...flag('3', 'odd', [], 'r1'), novelty: true };

/** How each route asks. */
const DECIDE: Manner = {};
const ACTIVATE: Manner = { context: { sendsEmptyImpressions: false } };

async function setUp(parts: Parts = PARTS) {
  const sent = { bySdk: 0, byEngine: 0 };
  const clients = new FlagClients({
    dispatcher: {
      dispatchEvent: async () => {
        sent.bySdk++;
        return {};
      },
    },
    send: () => void sent.byEngine++,
    onCloseFailed: () => {},
  });
  const body = bytesOf(projectOf(parts));
  const { built } = await clients.build(body, sha256Of(body), { sdkKey: KEY });
  onTestFinished(() => built.retire());
  const decisions = (manner: Manner, decideOptions: readonly DecideOption[] = []) =>
    new UserDecisions(
      built,
      { userId: 'ann', userAttributes: {}, decideOptions, forcedDecisions: [] },
      manner,
    );
  const one = (flagKey: string, manner = DECIDE, options: readonly DecideOption[] = []) =>
    decisions(manner, options).one(flagKey) as FlagDecision;
  const all = (options: readonly DecideOption[] = []) => {
    const flagKeys: string[] = [];
    const pace = { turns: unhurried().turns, asker: ROOMY };
    void decisions(DECIDE, options).each(built.flagKeys, pace, ({ flagKey }) => flagKeys.push(flagKey));
    return flagKeys;
  };
  return { client: built, sent, one, all };
}

it('a decision is made without the SDK, whichever route asks', async () => {
  const { client, one } = await setUp();
  for (const manner of [DECIDE, ACTIVATE])
    expect(one('on', manner)).toMatchObject({ enabled: true, ruleKey: 'delivered', variationKey: 'on' });
  expect(one('on', DECIDE, ['DISABLE_DECISION_EVENT'])).toMatchObject({ enabled: true });
  expect(one('gone').reasons).toEqual(['No flag was found for key "gone".']);
  expect(client.isSdkBuilt).toBe(false);
});

it('of a user who is in no variation, a route that sends no such impression leaves it to others', async () => {
  const { sent, one } = await setUp();
  for (const manner of [ACTIVATE, ACTIVATE]) expect(one('off', manner).variationKey).toBeNull();
  expect(sent).toEqual({ bySdk: 0, byEngine: 0 });
  one('off', DECIDE);
  expect(sent).toEqual({ bySdk: 0, byEngine: 1 });
  one('off', ACTIVATE);
  expect(sent).toEqual({ bySdk: 0, byEngine: 1 });
});

it('a flag that the engine refuses is decided by the SDK, and the others by the engine', async () => {
  const { client, sent, one } = await setUp({ ...PARTS, featureFlags: [...PARTS.featureFlags, odd] });
  expect(one('on').enabled).toBe(true);
  expect(client.isSdkBuilt).toBe(false);
  expect(one('odd')).toMatchObject({ enabled: true, ruleKey: 'delivered' });
  expect(client.isSdkBuilt).toBe(true);
  expect(sent).toEqual({ bySdk: 1, byEngine: 1 });
});

it('listeners hear of a decision of the engine what they hear of one of the SDK', async () => {
  const heard = async (options: readonly DecideOption[]) => {
    const { client, one } = await setUp();
    const notes: unknown[] = [];
    client.listen(({ text }) => notes.push(JSON.parse(text)));
    one('on', DECIDE, options);
    client.listen(() => {});
    client.sdk.createUserContext('ann').decide('on', options as never);
    return notes;
  };
  for (const options of [[], ['DISABLE_DECISION_EVENT'], ['EXCLUDE_VARIABLES']] as const) {
    const [byEngine, bySdk, more] = await heard(options);
    expect(byEngine).toMatchObject({ Type: 'flag', UserContext: { ID: 'ann' } });
    expect(byEngine).toEqual(bySdk);
    expect(more).toBeUndefined();
  }
});

it.each([[[]], [['INCLUDE_REASONS']]] as const)(
  'a flag that the datafile has twice is listed once, with %j',
  async (options) => {
    const { all } = await setUp({
      featureFlags: [flag('1', 'twice'), flag('2', 'other'), flag('3', 'twice')],
    });
    expect(all(options)).toEqual(['twice', 'other']);
  },
);
