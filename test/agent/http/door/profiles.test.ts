// User profiles on the routes: /v1/save and /v1/lookup, and decisions that stay what they were. Services are made up
// where a network matters; memory's own rules are tested beside it.

import { describe, expect, it } from 'vitest';
import type { Held } from '../../../../agent/datafiles/store.ts';
import { FlagClient } from '../../../../agent/decisions/flag-client.ts';
import type { ProfileService, UserProfile } from '../../../../agent/decisions/profiles/profiles.ts';
import { RequestProfiles } from '../../../../agent/decisions/profiles/request-profiles.ts';
import { forUser, type ProfileDeps } from '../../../../agent/http/door/with-profiles.ts';
import type { Exchange } from '../../../../agent/http/kernel/exchange.ts';
import { type RecordedAgent, startRecorded, WITH_PROFILES } from '../recorded-agent.ts';

const EXPERIMENT_ID = '10000000085';
/** alice has variation_0 by herself. */
const OTHER_VARIATION = { [EXPERIMENT_ID]: { variation_id: '10000000088' } };

const decided = async (agent: RecordedAgent, body: object = {}, headers: Record<string, string> = {}) =>
  (await agent.post('/v1/decide?keys=flag_5', { userId: 'alice', ...body }, headers)).json.variationKey;
const lookup = async (agent: RecordedAgent, userId: string, headers: Record<string, string> = {}) =>
  (await agent.post('/v1/lookup', { userId }, headers)).json.experimentBucketMap;

describe('a saved profile', () => {
  it('decides, also after the next datafile, unless it shall not', async () => {
    const agent = await startRecorded({ settings: WITH_PROFILES });
    const saved = await agent.post('/v1/save', { userId: 'alice', experimentBucketMap: OTHER_VARIATION });
    expect([saved.status, saved.text, saved.contentType]).toEqual([200, '', null]);
    expect(await decided(agent)).toBe('variation_1');
    await agent.publish();
    expect(await decided(agent)).toBe('variation_1');
    const { json } = await agent.post('/v1/activate?experimentKey=exp_5', { userId: 'alice' });
    expect(json[0].variationKey).toBe('variation_1');
    expect(await decided(agent, { decideOptions: ['IGNORE_USER_PROFILE_SERVICE'] })).toBe('variation_0');
    await agent.post('/v1/save', { userId: 'alice' });
    expect(await decided(agent)).toBe('variation_0');
  });

  it('comes of a decision too, and each chosen service has its own', async () => {
    const agent = await startRecorded({ settings: WITH_PROFILES });
    const second = { 'x-optimizely-ups-name': 'second' };
    await decided(agent, { decideOptions: ['IGNORE_USER_PROFILE_SERVICE'] });
    expect(await lookup(agent, 'alice')).toEqual({});
    await decided(agent);
    expect(await lookup(agent, 'alice')).toEqual({ [EXPERIMENT_ID]: { variation_id: '10000000087' } });
    expect(await lookup(agent, 'alice', second)).toEqual({});
    await agent.post('/v1/save', { userId: 'alice', experimentBucketMap: OTHER_VARIATION }, second);
    expect(await decided(agent, {}, second)).toBe('variation_1');
    expect(await decided(agent)).toBe('variation_0');
  });

  it('a saved profile cannot be had of a service that is not configured', async () => {
    const none = await startRecorded();
    const answer = { status: 500, text: '{"error":"no user profile service found"}\n' };
    expect(await none.post('/v1/lookup', { userId: 'alice' })).toMatchObject(answer);
    expect(await none.post('/v1/save', { userId: 'alice' })).toMatchObject(answer);
    const agent = await startRecorded({ settings: WITH_PROFILES });
    const unknown = { 'x-optimizely-ups-name': 'ghost' };
    expect(await agent.post('/v1/lookup', { userId: 'alice' }, unknown)).toMatchObject(answer);
    expect(await decided(agent, {}, unknown)).toBe('variation_0');
  });

  it('a saved profile must name its variations by texts', async () => {
    const agent = await startRecorded({ settings: WITH_PROFILES });
    const save = (experimentBucketMap: object) =>
      agent.post('/v1/save', { userId: 'alice', experimentBucketMap });
    expect((await save({ [EXPERIMENT_ID]: { variation_id: 5 } })).status).toBe(400);
    expect((await save({ [EXPERIMENT_ID]: 'what is not an object is passed over' })).status).toBe(200);
    expect(await lookup(agent, 'alice')).toEqual({});
  });
});

describe('a service behind a network', () => {
  const profile: UserProfile = { user_id: 'alice', experiment_bucket_map: OTHER_VARIATION };
  const body = Buffer.from('{"userId":"alice"}');
  const exchange = { body, header: () => '' } as unknown as Exchange;

  function setUp(service: Partial<ProfileService>) {
    const desk = new RequestProfiles();
    const failed: string[] = [];
    const users: string[] = [];
    const built: FlagClient = Object.assign(Object.create(FlagClient.prototype), {
      acquire: () => users.push('in'),
      release: () => users.push('out'),
    });
    const whole = { lookup: () => null, save: () => {}, reset: () => {}, stop: async () => {}, ...service };
    const deps: ProfileDeps = {
      desk,
      profiles: { configured: true, of: () => whole, reset: () => {}, stop: async () => {} },
      onFailed: (what) => failed.push(what),
    };
    const seen: UserProfile[] = [];
    const decide = () => {
      seen.push(desk.lookup('alice'));
      desk.save(profile);
    };
    const handle = forUser(deps, () => ({ userId: 'alice' }), decide);
    const held = { sdkKey: 'key', built } as unknown as Held<FlagClient>;
    return { run: () => handle(exchange, held), desk, failed, users, seen };
  }

  it('a service behind a network is asked before the decision and told after it, and the client lasts that long', async () => {
    const saved: UserProfile[] = [];
    const save = async (one: UserProfile) => void saved.push(one);
    const { run, users, seen } = setUp({ lookup: async () => profile, save });
    const running = run();
    expect([users, seen]).toEqual([['in'], []]);
    await running;
    expect([users, seen, saved]).toEqual([['in', 'out'], [profile], [profile]]);
  });

  it.each([
    [
      'later',
      { lookup: () => Promise.reject(new Error('down')), save: () => Promise.reject(new Error('no')) },
    ],
    [
      'at once',
      {
        lookup: () => {
          throw new Error('down');
        },
        save: () => {
          throw new Error('down');
        },
      },
    ],
  ])('a service behind a network that fails %s leaves a fresh decision, and is noted', async (_, service) => {
    const { run, failed, seen } = setUp(service as Partial<ProfileService>);
    await run();
    await Promise.resolve();
    expect(seen).toEqual([{ user_id: 'alice', experiment_bucket_map: {} }]);
    expect(failed).toEqual(['lookup', 'save']);
  });

  it('knows no user between requests', async () => {
    const { run, desk } = setUp({ lookup: () => profile });
    await run();
    expect(desk.lookup('alice').experiment_bucket_map).toEqual({});
  });
});
