// One suite for every user profile service: what a decision can count on, wherever the profiles are.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RestProfileSettings } from '../../../../agent/config/config.ts';
import { MemoryProfiles } from '../../../../agent/decisions/profiles/memory.ts';
import type { ProfileService, UserProfile } from '../../../../agent/decisions/profiles/profiles.ts';
import { RedisProfiles } from '../../../../agent/decisions/profiles/redis.ts';
import { RestProfiles } from '../../../../agent/decisions/profiles/rest.ts';
import { RedisConnections } from '../../../../agent/services/redis.ts';
import { createRequester } from '../../../../agent/services/requester.ts';
import { eventually } from '../../../support/eventually.ts';
import { redisServer, startTestRedis } from '../../../support/redis.ts';
import { realClock } from '../../support/fakes.ts';
import { startHttp } from '../../support/http.ts';

const REST: RestProfileSettings = {
  ...{ kind: 'rest', host: '', lookupPath: '/look', savePath: '/keep', userIdKey: 'user_id' },
  ...{ lookupMethod: 'POST', saveMethod: 'POST', async: false, headers: {} },
};
const found = await redisServer();
const redisMissing = 'missing' in found ? ` (skipped: ${found.missing})` : '';

interface Place {
  readonly service: ProfileService;
  close(): Promise<void>;
}

async function inRedis(): Promise<Place> {
  const server = await startTestRedis('path' in found ? found.path : '');
  const connections = new RedisConnections({ clock: realClock, onFailure: () => {} });
  const at = {
    host: '127.0.0.1',
    port: server.port,
    username: null,
    password: null,
    database: 0,
    tls: false,
  };
  const close = async () => {
    await connections.stop();
    await server.close();
  };
  const redis = connections.of(at);
  // The client is loaded with the first command, which on a busy machine takes longer than a command may.
  await eventually('Redis answers', async () => (await redis.get('none')) === null);
  return { service: new RedisProfiles(redis, 0), close };
}

async function overHttp(settings: Partial<RestProfileSettings>): Promise<Place> {
  const kept = new Map<string, string>();
  const http = await startHttp(({ url, body }) => {
    const { pathname, searchParams } = new URL(url, 'http://localhost');
    const sent = body === '' ? Object.fromEntries(searchParams) : JSON.parse(body);
    if (pathname === '/keep') kept.set(sent.user_id, body);
    const profile = kept.get(sent.user_id);
    return profile === undefined ? { status: 404 } : { status: 200, body: profile };
  });
  const requester = createRequester(realClock);
  const deps = { ask: requester.ask, onFailure: () => {} };
  const close = async () => {
    requester.close();
    await http.close();
  };
  return { service: new RestProfiles({ ...REST, ...settings, host: http.url }, deps), close };
}

const PLACES: readonly [name: string, open: () => Promise<Place>, isMissing: boolean][] = [
  [
    'in memory',
    async () => ({
      service: new MemoryProfiles({ capacity: 0, storageStrategy: 'fifo' }),
      close: async () => {},
    }),
    false,
  ],
  [`in Redis${redisMissing}`, inRedis, redisMissing !== ''],
  ['over REST by POST', () => overHttp({}), false],
  ['over REST by GET and PUT', () => overHttp({ lookupMethod: 'GET', saveMethod: 'PUT' }), false],
];

const profileOf = (user_id: string, variation_id = '11'): UserProfile => ({
  user_id,
  experiment_bucket_map: { '1': { variation_id } },
});

describe.each(PLACES)('user profiles %s', (_name, open, isMissing) => {
  const check = it.skipIf(isMissing); // Without a redis-server; the title says why.
  let place: Place;
  beforeAll(async () => {
    if (!isMissing) place = await open();
  });
  afterAll(() => place?.close());

  check('knows nothing of a user who was never saved', async () => {
    expect(await place.service.lookup('unknown')).toBeNull();
  });

  check('gives back what was saved last', async () => {
    await place.service.save(profileOf('ann', '11'));
    await place.service.save(profileOf('ann', '12'));
    expect(await place.service.lookup('ann')).toEqual(profileOf('ann', '12'));
  });

  check.each(['', ' ', '__proto__', 'constructor', 'ü/ñ?&=%#"\\', 'a:b\nc', '💥'.repeat(300)])(
    'takes a user called %j for one of its own',
    async (userId) => {
      await place.service.save(profileOf(userId));
      expect(await place.service.lookup(userId)).toEqual(profileOf(userId));
      expect(await place.service.lookup(`${userId}x`)).toBeNull();
    },
  );

  check('keeps users apart when many ask at once', async () => {
    const users = Array.from({ length: 200 }, (_, i) => `user-${i}`);
    await Promise.all(users.map((user, i) => place.service.save(profileOf(user, String(i)))));
    const profiles = await Promise.all(users.map((user) => place.service.lookup(user)));
    expect(profiles).toEqual(users.map((user, i) => profileOf(user, String(i))));
  });
});
