// While the agent serves, some of the engine's decisions are held to the SDK's: where both differ, the SDK decides the flag from then
// on, and the operator hears of it.

import { afterEach, expect, it, vi } from 'vitest';
import { FlagClients } from '../../../../agent/decisions/clients.ts';
import type { FlagClient } from '../../../../agent/decisions/flag-client.ts';
import { FetchedProfile, RequestProfiles } from '../../../../agent/decisions/profiles/request-profiles.ts';
import {
  CHECK_PAUSE_MS,
  CHECKED_AFTER_MS,
  CrossCheck,
} from '../../../../agent/decisions/trial/cross-check.ts';
import { IDLE_PAUSE_MS, IdleWork } from '../../../../agent/decisions/trial/idle-work.ts';
import { CompiledFlag } from '../../../../core/engine/flag.ts';
import { Outcome } from '../../../../core/engine/outcome.ts';
import { sha256Of } from '../../../../core/ids.ts';
import { fullDatafile } from '../../../support/full-datafile.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { KEY } from '../../support/fakes.ts';

const FLAG = 'delivered';

afterEach(() => {
  vi.restoreAllMocks();
});

async function setUp(change: (datafile: ReturnType<typeof fullDatafile>) => void = () => {}) {
  const clock = new ManualClock();
  const idle = new IdleWork(clock);
  const desk = new RequestProfiles();
  const sent: unknown[] = [];
  const told: string[] = [];
  const onChecked = (isSame: boolean) => told.push(isSame ? 'same' : 'different');
  const fail = (error: unknown) => told.push(String(error));
  const crossCheck = new CrossCheck({
    ...{ idle, random: () => 0, onChecked, onFailed: fail },
    serve: (session, decide) => desk.serve(session, decide),
  });
  const clients = new FlagClients({
    dispatcher: {
      dispatchEvent: async (event) => {
        sent.push(event);
        return {};
      },
    },
    profiles: desk,
    onCloseFailed: fail,
    onMistrusted: (sdkKey, flagKey) => told.push(`mistrusted ${sdkKey} ${flagKey}`),
    later: {
      idle,
      crossCheck,
      onSetAside: (_, { what }) => told.push(what),
      onFailed: (_, error) => fail(error),
    },
  });
  const datafile = fullDatafile();
  change(datafile);
  const body = Buffer.from(JSON.stringify(datafile));
  const { built } = await clients.build(body, sha256Of(body), { sdkKey: KEY });
  const decide = (client: FlagClient, flagKey = FLAG, hasProfile = false) =>
    client.decide(flagKey, client.user('u', {}, { hasProfile }));
  /** Long enough for all that waits. */
  const idleAway = () => clock.advance(100 * IDLE_PAUSE_MS);
  return { clock, clients, client: built, decide, idleAway, told, sent, desk };
}

it('a revision is not checked while it is young, and neither its swap nor its decisions build an SDK client', async () => {
  const { client, decide, idleAway, told } = await setUp();
  for (const flagKey of client.flagKeys) expect(decide(client, flagKey)).not.toBeNull();
  idleAway();
  expect(told).toEqual([]);
  expect(client.isSdkBuilt).toBe(false);
});

it('a decision that is the same as the SDK gives counts as such, sends nothing and is told to no listener', async () => {
  const { clock, client, decide, idleAway, told, sent } = await setUp();
  const heard: unknown[] = [];
  client.listen((note) => heard.push(note));
  clock.advance(CHECKED_AFTER_MS);
  decide(client);
  idleAway();
  expect({ told, sent, heard }).toEqual({ told: ['same'], sent: [], heard: [] });
});

it('of many decisions within a moment only the first is checked', async () => {
  const { clock, client, decide, idleAway, told } = await setUp();
  clock.advance(CHECKED_AFTER_MS);
  for (let i = 0; i < 10; i++) decide(client);
  idleAway();
  clock.advance(CHECK_PAUSE_MS);
  decide(client);
  idleAway();
  expect(told).toEqual(['same', 'same']);
});

it('a user is checked with the profile that the decision was made by', async () => {
  const { clock, client, decide, idleAway, told, desk } = await setUp((datafile) => {
    const [rule] = datafile.experiments;
    rule.variations.push({ ...rule.variations[0], id: '399', key: 'kept' });
  });
  clock.advance(CHECKED_AFTER_MS);
  const profile = { user_id: 'u', experiment_bucket_map: { 101: { variation_id: '399' } } };
  const decided = desk.serve(new FetchedProfile(profile), () => decide(client, 'tested', true));
  expect(decided?.outcome.variationKey).toBe('kept');
  idleAway();
  expect(told).toEqual(['same']);
});

it('a flag that the SDK decides otherwise is left to the SDK, and the operator hears of it', async () => {
  const { clock, client, decide, idleAway, told } = await setUp();
  clock.advance(CHECKED_AFTER_MS);
  vi.spyOn(CompiledFlag.prototype, 'decide').mockReturnValue(new Outcome(null, null, 'rollout'));
  expect(decide(client)?.outcome.enabled).toBe(false);
  idleAway();
  vi.restoreAllMocks();
  expect(told).toEqual(['different', `mistrusted ${KEY} ${FLAG}`]);
  expect(decide(client)).toBeNull();
  expect(client.engine.refusal(FLAG)?.kind).toBe('mistrusted');
});

it('a revision that is retired meanwhile is not checked any more', async () => {
  const { clock, clients, client, decide, idleAway, told } = await setUp();
  clock.advance(CHECKED_AFTER_MS);
  decide(client);
  clients.retire(client);
  idleAway();
  expect(told).toEqual([]);
  expect(client.isSdkBuilt).toBe(false);
});

it('a flag with a field that the engine does not know is tried on the SDK later, and is served by it', async () => {
  const { client, decide, idleAway, told } = await setUp((datafile) => {
    datafile.experiments[0].novelty = true;
  });
  expect(decide(client, 'tested')).toBeNull();
  expect(client.isSdkBuilt).toBe(false);
  idleAway();
  expect(client.isSdkBuilt).toBe(true);
  expect(told).toEqual([]);
  expect(client.sdk.createUserContext('u').decide('tested').enabled).toBe(true);
});

it('a flag that the engine does not know and over which the SDK fails is off', async () => {
  const { client, decide, idleAway, told } = await setUp((datafile) => {
    datafile.experiments[0].novelty = true;
    datafile.experiments[0].audienceConditions = ['constructor'];
  });
  idleAway();
  expect(told).toEqual(['flag "tested"']);
  expect(decide(client, 'tested')?.outcome.enabled).toBe(false);
  expect(client.sdk.createUserContext('u').decide('tested').enabled).toBe(false);
});
