// Engine and SDK of one revision decide as one: whatever has happened to the client before the SDK's client is built holds for both.

import { expect, it } from 'vitest';
import { FlagClients } from '../../../agent/decisions/clients.ts';
import { UserDecisions } from '../../../agent/decisions/decide.ts';
import type { FlagDecision } from '../../../agent/decisions/flags/decision.ts';
import type { UserProfile } from '../../../agent/decisions/profiles/profiles.ts';
import { sha256Of } from '../../../core/ids.ts';
import { KEY } from '../../support/datafiles.ts';
import { fullDatafile, type Loose } from '../../support/full-datafile.ts';
import { bytesOf } from '../../support/project-builder.ts';
import { ROOMY, unhurried } from '../support/bounds.ts';

async function setUp(change: (datafile: Loose) => void = () => {}) {
  const datafile = fullDatafile();
  const [rule] = datafile.experiments;
  rule.variations.push({ ...rule.variations[0], id: '399', key: 'green' });
  change(datafile);
  const saved: UserProfile[] = [];
  const clients = new FlagClients({
    dispatcher: { dispatchEvent: async () => ({}) },
    profiles: {
      lookup: (user_id) => ({ user_id, experiment_bucket_map: { 7: { variation_id: 'old' } } }),
      save: (profile) => saved.push(profile),
    },
    onCloseFailed: () => {},
  });
  const body = bytesOf(datafile);
  const { built: client } = await clients.build(body, sha256Of(body), { sdkKey: KEY });
  const decisions = (userId = 'bob') =>
    new UserDecisions(client, { userId, userAttributes: {}, decideOptions: [], forcedDecisions: [] });
  const byEngine = () => (decisions().one('tested') as FlagDecision).variationKey;
  const bySdk = () => client.sdk.createUserContext('bob').decide('tested').variationKey;
  return { client, decisions, byEngine, bySdk, saved };
}

it('an override holds for the engine, and for an SDK client that is built after it', async () => {
  const { client, byEngine, bySdk } = await setUp();
  client.setForcedVariation('test', 'bob', 'green');
  client.setForcedVariation('test', 'ann', 'green');
  expect(byEngine()).toBe('green');
  expect(client.isSdkBuilt).toBe(false);
  expect(bySdk()).toBe('green');
});

it('an override that is taken away holds no more, before the SDK client is built and after', async () => {
  for (const buildsFirst of [false, true]) {
    const { client, byEngine, bySdk } = await setUp();
    if (buildsFirst) expect(bySdk()).toBe('blue');
    client.setForcedVariation('test', 'bob', 'green');
    client.setForcedVariation('test', 'bob', null);
    expect([byEngine(), bySdk()]).toEqual(['blue', 'blue']);
  }
});

it('an override that the project does not have changes nothing', async () => {
  const { client, byEngine, bySdk } = await setUp();
  client.setForcedVariation('test', 'bob', 'gone');
  client.setForcedVariation('gone', 'bob', 'green');
  expect([byEngine(), bySdk()]).toEqual(['blue', 'blue']);
});

it('what the decisions of a request are to keep is saved once, beside what the profile has', async () => {
  const { client, decisions, saved } = await setUp();
  const pace = { turns: unhurried().turns, asker: ROOMY };
  void decisions().each(client.flagKeys, pace, () => {});
  expect(saved).toEqual([
    {
      user_id: 'bob',
      experiment_bucket_map: {
        7: { variation_id: 'old' },
        101: { variation_id: '301' },
        102: { variation_id: '302' },
      },
    },
  ]);
});

it('a flag that is set aside is off by the engine, and by an SDK client that is built after it', async () => {
  const { client, byEngine, bySdk } = await setUp();
  client.setAside('tested');
  expect([byEngine(), bySdk()]).toEqual([null, null]);
});
