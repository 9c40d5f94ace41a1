import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { CacheSettings, OdpSettings } from '../../../../agent/config/config.ts';
import { Odp } from '../../../../agent/decisions/odp/odp.ts';
import { RedisConnections } from '../../../../agent/services/redis.ts';
import type { Answer, Question } from '../../../../agent/services/requester.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { redisServer, startTestRedis, type TestRedis } from '../../../support/redis.ts';
import { realClock } from '../../support/fakes.ts';

const PROJECT = { host: 'https://odp.example', apiKey: 'key', segments: ['gold', 'vip'] };
const MEMORY: CacheSettings = { kind: 'in-memory', size: 100, timeoutMs: 60_000 };

const edges = (...names: string[]) => names.map((name) => ({ node: { name, state: 'qualified' } }));
const segmentsAnswer = (...names: string[]): Answer => ({
  status: 200,
  text: JSON.stringify({ data: { customer: { audiences: { edges: edges(...names) } } } }),
});

interface Asked {
  readonly url: string;
  readonly question: Question;
}

function odpAnswering(
  respond: (body: string) => Answer | Promise<Answer>,
  caches: Readonly<Record<string, CacheSettings>> = { memory: MEMORY },
) {
  const asked: Asked[] = [];
  const troubles: string[] = [];
  const clock = new ManualClock();
  const onFailure = ({ what }: { what: string }, error: unknown) => void troubles.push(`${what}: ${error}`);
  const redis = new RedisConnections({ clock: realClock, onFailure });
  onTestFinished(() => redis.stop());
  const [byDefault = null] = Object.keys(caches);
  const settings: OdpSettings = {
    ...{
      origins: [],
      disable: false,
      eventsRequestTimeoutMs: 1,
      eventsFlushIntervalMs: 1,
      segmentsRequestTimeoutMs: 7,
    },
    segmentsCache: { default: byDefault, services: new Map(Object.entries(caches)) },
  };
  const odp = new Odp(settings, {
    ...{ clock, random: Math.random, redis, onFailure, version: '1' },
    ask: async (_service, url, question) => {
      asked.push({ url, question });
      return respond(question.body ?? '');
    },
  });
  return { odp, asked, troubles, clock };
}

describe("a user's segments", () => {
  it("a user's segments are asked of the platform, the id as a variable of the query", async () => {
    const { odp, asked } = odpAnswering(() => segmentsAnswer('vip'));
    const user = 'a"){evil}';
    expect(await odp.project(PROJECT).segmentsOf(user, [], '')).toEqual(['vip']);
    expect(asked).toHaveLength(1);
    const { url, question } = asked[0] as Asked;
    expect(url).toBe('https://odp.example/v3/graphql');
    expect(question).toMatchObject({ method: 'POST', headers: { 'x-api-key': 'key' }, timeoutMs: 7 });
    const { query, variables } = JSON.parse(question.body ?? '');
    expect(variables).toEqual({ userId: user, audiences: ['gold', 'vip'] });
    expect(query).toContain('customer(fs_user_id: $userId)');
    expect(query).not.toContain('evil');
  });

  it("a user's segments are those only that the platform calls qualified", async () => {
    const answer = {
      data: {
        customer: {
          audiences: { edges: [...edges('vip'), { node: { name: 'gold', state: 'not_qualified' } }, {}] },
        },
      },
    };
    const { odp } = odpAnswering(() => ({ status: 200, text: JSON.stringify(answer) }));
    expect(await odp.project(PROJECT).segmentsOf('u', [], '')).toEqual(['vip']);
  });

  it('users have no segments, and ODP is not asked, where no audience needs any', async () => {
    const { odp, asked } = odpAnswering(() => segmentsAnswer());
    expect(await odp.project({ ...PROJECT, segments: [] }).segmentsOf('u', [], '')).toEqual([]);
    expect(asked).toEqual([]);
  });

  it.each([
    [500, '{}', 'status 500'],
    [200, 'oops', 'not JSON'],
    [200, 'null', 'no segments'],
    [200, '{"data":{"customer":null}}', 'no segments'],
    [
      200,
      '{"errors":[{"extensions":{"code":"INVALID_IDENTIFIER_EXCEPTION"}}]}',
      'INVALID_IDENTIFIER_EXCEPTION',
    ],
    [200, '{"errors":[{}]}', 'unknown'],
  ])(
    "a user's segments cannot be had when the platform answers %d %s; that is noted",
    async (status, text, why) => {
      const { odp, troubles } = odpAnswering(() => ({ status, text }));
      expect(await odp.project(PROJECT).segmentsOf('u', [], '')).toBeNull();
      expect(troubles).toEqual([expect.stringContaining(why)]);
      expect(troubles[0]).toMatch(/^segments: /);
    },
  );

  it("a user's segments are asked for once by many requests at a time", async () => {
    const waiting = Promise.withResolvers<Answer>();
    const { odp, asked } = odpAnswering(() => waiting.promise);
    const project = odp.project(PROJECT);
    const all = Promise.all([1, 2, 3].map(() => project.segmentsOf('u', [], '')));
    await Promise.resolve();
    waiting.resolve(segmentsAnswer('vip'));
    expect(await all).toEqual([['vip'], ['vip'], ['vip']]);
    expect(asked).toHaveLength(1);
  });

  it("a user's segments are not remembered when they could not be had", async () => {
    let up = false;
    const { odp } = odpAnswering(() => (up ? segmentsAnswer('vip') : { status: 503, text: '' }));
    expect(await odp.project(PROJECT).segmentsOf('u', [], '')).toBeNull();
    up = true;
    expect(await odp.project(PROJECT).segmentsOf('u', [], '')).toEqual(['vip']);
  });
});

const found = await redisServer();
const missing = 'missing' in found ? found.missing : null;

describe.each(['in memory', 'in Redis'])('the cache of segments %s', (where) => {
  const skipped = where === 'in Redis' && missing !== null;
  const check = it.skipIf(skipped); // No redis-server is there, and none can be installed.
  let server: TestRedis | null = null;
  beforeAll(async () => {
    if (where === 'in Redis' && !skipped) server = await startTestRedis('path' in found ? found.path : '');
  });
  afterAll(() => server?.close());

  const cache = (database = 0): CacheSettings => {
    if (server === null) return MEMORY;
    const { port } = server;
    const redis = { host: '127.0.0.1', port, username: null, password: null, database, tls: false };
    return { kind: 'redis', redis, timeoutMs: 60_000 };
  };
  const asks = async (odp: Odp, user: string, options: string[] = [], name = '', project = PROJECT) =>
    odp.project(project).segmentsOf(user, options, name);

  check('answers the second request, and does so over revisions', async () => {
    const { odp, asked } = odpAnswering(() => segmentsAnswer('vip'), { one: cache() });
    await asks(odp, 'second');
    expect(await asks(odp, 'second')).toEqual(['vip']);
    expect(asked).toHaveLength(1);
    await asks(odp, 'other');
    expect(asked).toHaveLength(2);
  });

  check('is another one where another account or other segments are asked about', async () => {
    const { odp, asked } = odpAnswering(() => segmentsAnswer('vip'), { one: cache(1) });
    await asks(odp, 'u');
    await asks(odp, 'u', [], '', { ...PROJECT, segments: ['vip'] });
    await asks(odp, 'u', [], '', { ...PROJECT, apiKey: 'other' });
    expect(asked).toHaveLength(3);
  });

  check('can be passed by, which leaves it as it is', async () => {
    let segments = ['vip'];
    const { odp } = odpAnswering(() => segmentsAnswer(...segments), { one: cache(2) });
    await asks(odp, 'u');
    segments = ['gold'];
    expect(await asks(odp, 'u', ['IGNORE_CACHE'])).toEqual(['gold']);
    expect(await asks(odp, 'u')).toEqual(['vip']);
  });

  check("can be emptied, of this project's segments and no other's", async () => {
    const { odp, asked } = odpAnswering(() => segmentsAnswer('vip'), { one: cache(3) });
    const other = { ...PROJECT, apiKey: 'other' };
    await Promise.all([asks(odp, 'u1'), asks(odp, 'u2'), asks(odp, 'u1', [], '', other)]);
    await asks(odp, 'u1', ['RESET_CACHE', 'SOMETHING_ELSE']);
    expect(asked).toHaveLength(4);
    await asks(odp, 'u2');
    await asks(odp, 'u1', [], '', other);
    expect(asked).toHaveLength(5);
  });

  check('is the one that the request names', async () => {
    const { odp, asked } = odpAnswering(() => segmentsAnswer('vip'), { one: cache(4), two: cache(5) });
    await asks(odp, 'u', [], 'one');
    await asks(odp, 'u', [], 'two');
    expect(asked).toHaveLength(2);
    await asks(odp, 'u', [], '');
    await asks(odp, 'u', [], 'unknown');
    await asks(odp, 'u', [], 'two');
    expect(asked).toHaveLength(2);
  });
});

describe('the cache of segments', () => {
  it('forgets after its time', async () => {
    const { odp, asked, clock } = odpAnswering(() => segmentsAnswer('vip'));
    const project = odp.project(PROJECT);
    await project.segmentsOf('u', [], '');
    clock.advance(60_000);
    await project.segmentsOf('u', [], '');
    expect(asked).toHaveLength(2);
  });

  it('the cache of segments that fails is noted, and the platform is asked', async () => {
    const redis = { host: '127.0.0.1', port: 1, username: null, password: null, database: 0, tls: false };
    const away: CacheSettings = { kind: 'redis', redis, timeoutMs: 0 };
    const { odp, troubles } = odpAnswering(() => segmentsAnswer('vip'), { away });
    expect(await odp.project(PROJECT).segmentsOf('u', ['RESET_CACHE'], '')).toEqual(['vip']);
    expect(troubles.filter((one) => one.startsWith('cache: ')).length).toBeGreaterThanOrEqual(2);
  });
});
