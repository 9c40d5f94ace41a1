// What the SDK leans on: profiles, caches, CMAB. In the original's JSON in a variable, or in the file.

import { describe, expect, it } from 'vitest';
import { checkConfig, type Environment, parseConfig } from '../../../agent/config/config.ts';

const parse = (env: Environment) => parseConfig(env, () => '');
const problemsOf = (env: Environment) => checkConfig(env, () => '', null).problems.join('; ');

describe('user profile services', () => {
  it('user profile services are none unless they are set', () => {
    expect(parse({}).userProfiles).toEqual({ default: null, services: new Map() });
  });

  it('user profile services are read from JSON, names in any case', () => {
    const { userProfiles } = parse({
      OPTIMIZELY_CLIENT_USERPROFILESERVICE: JSON.stringify({
        default: 'rest',
        services: {
          'in-memory': { storagestrategy: 'LIFO', capacity: 5 },
          redis: { host: 'localhost:6380', password: '', database: '3' },
          rest: {
            ...{ host: 'http://ups', lookuppath: '/lookup', savepath: '/save', savemethod: 'put' },
            ...{ userIDKey: 'id', async: true, headers: { 'X-Key': 'v', __proto__: 'x' } },
          },
        },
      }),
    });
    expect(userProfiles.default).toBe('rest');
    expect(Object.fromEntries(userProfiles.services)).toEqual({
      'in-memory': { kind: 'in-memory', capacity: 5, storageStrategy: 'lifo' },
      redis: {
        kind: 'redis',
        redis: { host: 'localhost', port: 6380, username: null, password: null, database: 3, tls: false },
        expirationMs: 0,
      },
      rest: {
        ...{ kind: 'rest', host: 'http://ups', lookupPath: '/lookup', lookupMethod: 'POST' },
        ...{ savePath: '/save', saveMethod: 'PUT', userIdKey: 'id', async: true, headers: { 'X-Key': 'v' } },
      },
    });
  });

  it('reach Redis by host and port, or by a URL', () => {
    const redisOf = (redis: object) => {
      const services = JSON.stringify({ services: { redis } });
      const service = parse({ OPTIMIZELY_CLIENT_USERPROFILESERVICE: services }).userProfiles.services.get(
        'redis',
      );
      return service?.kind === 'redis' ? service.redis : null;
    };
    expect(redisOf({ host: 'cache' })).toMatchObject({ host: 'cache', port: 6379 });
    expect(redisOf({ host: '[::1]:7' })).toMatchObject({ host: '::1', port: 7 });
    expect(redisOf({ host: 'rediss://user:p%40ss@cache:7' })).toEqual({
      ...{ host: 'cache', port: 7, username: 'user', password: 'p@ss', database: 0, tls: true },
    });
    expect(redisOf({ host: 'cache', password: 'p' })).toMatchObject({ password: 'p', username: null });
  });

  it.each<[string, object, string]>([
    [
      'a default that is not there',
      { default: 'redis', services: { 'in-memory': {} } },
      'is "redis", but services has in-memory',
    ],
    [
      'a default that is not ours',
      { default: 'custom', services: { custom: {} } },
      'is "custom", but services has none',
    ],
    ['no host for rest', { services: { rest: {} } }, 'services.rest needs a host'],
    [
      'a method that is none',
      { services: { rest: { host: 'http://x', saveMethod: 'DELETE' } } },
      'must be one of POST, PUT, PATCH',
    ],
    [
      'a strategy that is none',
      { services: { 'in-memory': { storageStrategy: 'x' } } },
      'must be one of fifo, lifo',
    ],
    ['services that are a list', { services: ['redis'] }, 'services is "a list" but must be a map'],
  ])('user profile services with %s are refused', (_, value, problem) => {
    const text = problemsOf({ OPTIMIZELY_CLIENT_USERPROFILESERVICE: JSON.stringify(value) });
    expect(text).toContain('OPTIMIZELY_CLIENT_USERPROFILESERVICE: ');
    expect(text).toContain(problem);
  });

  it('in JSON that is broken are refused, without repeating it', () => {
    const text = problemsOf({ OPTIMIZELY_CLIENT_USERPROFILESERVICE: '{"password":"SECRET' });
    expect(text).toMatch(/^OPTIMIZELY_CLIENT_USERPROFILESERVICE is not JSON: an error (at|before)/);
    expect(text).not.toContain('SECRET');
    for (const wrong of ['[]', 'null', '3', '"x"'])
      expect(problemsOf({ OPTIMIZELY_CLIENT_USERPROFILESERVICE: wrong })).toContain(
        'must be JSON: an object',
      );
  });
});

describe('ODP', () => {
  it('ODP has the original’s defaults', () => {
    expect(parse({}).odp).toEqual({
      origins: [],
      ...{ disable: false, eventsRequestTimeoutMs: 10_000, eventsFlushIntervalMs: 1_000 },
      segmentsRequestTimeoutMs: 10_000,
      segmentsCache: {
        default: 'in-memory',
        services: new Map([['in-memory', { kind: 'in-memory', size: 10_000, timeoutMs: 600_000 }]]),
      },
    });
  });

  it('ODP is read from variables', () => {
    const { odp } = parse({
      OPTIMIZELY_CLIENT_ODP_DISABLE: 'true',
      OPTIMIZELY_CLIENT_ODP_EVENTSFLUSHINTERVAL: '0s',
      OPTIMIZELY_CLIENT_ODP_SEGMENTSREQUESTTIMEOUT: '5s',
      OPTIMIZELY_CLIENT_ODP_SEGMENTSCACHE:
        '{"default":"redis","services":{"redis":{"host":"localhost:6379","password":"","timeout":"0s","database":0}}}',
    });
    expect(odp).toMatchObject({ disable: true, eventsFlushIntervalMs: 0, segmentsRequestTimeoutMs: 5_000 });
    expect(odp.segmentsCache.default).toBe('redis');
    expect(odp.segmentsCache.services.get('redis')).toMatchObject({ kind: 'redis', timeoutMs: 0 });
  });
});

describe('CMAB', () => {
  const byDefault = {
    ...{ predictionEndpoint: null, requestTimeoutMs: 10_000 },
    cache: { kind: 'in-memory', size: 10_000, timeoutMs: 1_800_000 },
    retry: { maxRetries: 1, initialBackoffMs: 100, maxBackoffMs: 10_000, backoffMultiplier: 2 },
  };

  it('CMAB has the original’s defaults', () => {
    expect(parse({}).cmab).toEqual(byDefault);
  });

  it.each([
    [
      'one variable for all',
      {
        OPTIMIZELY_CMAB: JSON.stringify({
          requestTimeout: '15s',
          cache: {
            type: 'redis',
            size: 2000,
            ttl: '45m',
            redis: { host: 'r:1', password: 'p', database: 2 },
          },
          retryConfig: { maxRetries: 5, initialBackoff: '200ms', maxBackoff: '30s', backoffMultiplier: 3.5 },
        }),
      },
      {
        ...{ predictionEndpoint: null, requestTimeoutMs: 15_000 },
        cache: {
          kind: 'redis',
          redis: { host: 'r', port: 1, password: 'p', database: 2 },
          timeoutMs: 2_700_000,
        },
        retry: { maxRetries: 5, initialBackoffMs: 200, maxBackoffMs: 30_000, backoffMultiplier: 3.5 },
      },
    ],
    [
      'a variable for each, where the recording has them',
      {
        OPTIMIZELY_CLIENT_CMAB_PREDICTIONENDPOINT: 'http://cmab/predict/%s',
        OPTIMIZELY_CLIENT_CMAB_CACHE: '{"type":"memory","size":5,"ttl":"1m"}',
        OPTIMIZELY_CMAB_RETRYCONFIG: '{"maxRetries":1}',
      },
      {
        ...byDefault,
        predictionEndpoint: 'http://cmab/predict/%s',
        cache: { kind: 'in-memory', size: 5, timeoutMs: 60_000 },
        retry: { ...byDefault.retry, maxRetries: 1 },
      },
    ],
    [
      'a choice of services',
      { OPTIMIZELY_CMAB_CACHE: '{"default":"redis","services":{"redis":{"host":"r","timeout":"1s"}}}' },
      { ...byDefault, cache: { kind: 'redis', redis: { host: 'r', port: 6379 }, timeoutMs: 1_000 } },
    ],
  ])('CMAB is read from %s', (_, env, cmab) => {
    const config = parse(env);
    expect(config.cmab).toMatchObject(cmab);
    expect(config.warnings).toEqual([]);
  });

  it('CMAB is read from both of its places in a file, and what is unknown there is said', () => {
    const file = {
      path: 'f',
      contents: {
        cmab: { requestTimeout: '1s' },
        client: { cmab: { retryConfig: { maxRetries: 9 }, chache: {} } },
      },
    };
    const config = parseConfig({}, () => '', file);
    expect(config.cmab).toMatchObject({ requestTimeoutMs: 1_000, retry: { maxRetries: 9 } });
    expect(config.warnings).toEqual([
      'f: client.cmab.chache is not a setting; did you mean client.cmab.cache?',
    ]);
  });
});
