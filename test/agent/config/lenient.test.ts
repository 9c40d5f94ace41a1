// Settings at which the original starts: each is taken as it takes it, or as its default with a warning. What no agent could
// act on stays refused (config.test.ts, file.test.ts).

import { describe, expect, it } from 'vitest';
import { type AgentConfig, checkConfig, type Environment } from '../../../agent/config/config.ts';

interface Read {
  readonly config: AgentConfig;
  readonly warnings: readonly string[];
}

function read(env: Environment, contents: object = {}): Read {
  const { config, problems, warnings } = checkConfig(env, () => '', { path: 'f', contents });
  expect(problems).toEqual([]);
  return { config, warnings };
}

const byDefault = read({}).config;

describe('limits of time', () => {
  it.each<[Environment, number, number]>([
    [{ OPTIMIZELY_SERVER_READTIMEOUT: '0s', OPTIMIZELY_SERVER_WRITETIMEOUT: '0' }, 0, 0],
    [{ OPTIMIZELY_SERVER_READTIMEOUT: '50ms', OPTIMIZELY_SERVER_WRITETIMEOUT: '1500us' }, 50, 2],
    [
      { OPTIMIZELY_SERVER_READTIMEOUT: '5000000000', OPTIMIZELY_SERVER_WRITETIMEOUT: '1h30m' },
      5_000,
      5_400_000,
    ],
  ])('%j are taken as they are', (env, readTimeoutMs, writeTimeoutMs) => {
    const { config, warnings } = read(env);
    expect(config.server).toMatchObject({ readTimeoutMs, writeTimeoutMs });
    expect(warnings).toEqual([]);
  });

  it('without a unit that would be next to nothing give way to the default', () => {
    expect(read({ OPTIMIZELY_CLIENT_FLUSHINTERVAL: '30000' })).toMatchObject({
      config: { events: { flushIntervalMs: 30_000 } },
      warnings: [
        'OPTIMIZELY_CLIENT_FLUSHINTERVAL is "30000", which without a unit counts nanoseconds: the default, 30s, is used',
      ],
    });
    const cache = { services: { 'in-memory': { timeout: 600 }, redis: { host: 'r', timeout: 600 } } };
    const { config, warnings } = read(
      {},
      { server: { readTimeout: 5 }, client: { odp: { segmentsCache: cache } } },
    );
    expect(config.server.readTimeoutMs).toBe(5_000);
    expect([...config.odp.segmentsCache.services.values()]).toMatchObject([
      { kind: 'in-memory', timeoutMs: 600_000 },
      { kind: 'redis', timeoutMs: 0 },
    ]);
    expect(warnings).toEqual([
      'f: server.readTimeout is "5", which without a unit counts nanoseconds: the default, 5s, is used',
      'f: client.odp.segmentsCache.services.in-memory.timeout is "600", which without a unit counts nanoseconds: the default, 600s, is used',
      'f: client.odp.segmentsCache.services.redis.timeout is "600", which without a unit counts nanoseconds: the default, 0, is used',
    ]);
  });

  it('a poll interval that is too short is replaced by the shortest that is allowed', () => {
    expect(read({ OPTIMIZELY_CLIENT_POLLINGINTERVAL: '500ms' })).toMatchObject({
      config: { cdnPollIntervalMs: 1_000 },
      warnings: [
        'OPTIMIZELY_CLIENT_POLLINGINTERVAL is "500ms", which is shorter than may be: 1000ms is used',
      ],
    });
    expect(read({ OPTIMIZELY_CLIENT_FLUSHINTERVAL: '5ms' }).config.events.flushIntervalMs).toBe(5);
  });
});

describe('a zero', () => {
  it.each<[string, string, (config: AgentConfig) => unknown]>([
    ['OPTIMIZELY_CLIENT_POLLINGINTERVAL', '1m', ({ cdnPollIntervalMs }) => cdnPollIntervalMs],
    ['OPTIMIZELY_CLIENT_FLUSHINTERVAL', '30s', ({ events }) => events],
    ['OPTIMIZELY_CLIENT_BATCHSIZE', '10', ({ events }) => events],
    ['OPTIMIZELY_CLIENT_QUEUESIZE', '1000', ({ events }) => events],
    ['OPTIMIZELY_SERVER_BATCHREQUESTS_MAXCONCURRENCY', '10', ({ batch }) => batch],
    ['OPTIMIZELY_CLIENT_ODP_EVENTSREQUESTTIMEOUT', '10s', ({ odp }) => odp],
    ['OPTIMIZELY_CLIENT_ODP_SEGMENTSREQUESTTIMEOUT', '10s', ({ odp }) => odp],
    ['OPTIMIZELY_CMAB_REQUESTTIMEOUT', '10s', ({ cmab }) => cmab],
  ])('for %s is its default', (variable, shown, of) => {
    const { config, warnings } = read({ [variable]: '0' });
    expect(of(config)).toEqual(of(byDefault));
    expect(warnings).toEqual([`${variable} is "0": the default, ${shown}, is used`]);
  });

  it.each(['0', '-1'])('or less (%s) is no operation at all in a batch', (value) => {
    const { config, warnings } = read({ OPTIMIZELY_SERVER_BATCHREQUESTS_OPERATIONSLIMIT: value });
    expect([config.batch.operationsLimit, warnings]).toEqual([0, []]);
  });

  it.each(['-1', '-1m'])('a negative value counts as zero (%s)', (value) => {
    const { config, warnings } = read({
      OPTIMIZELY_SERVER_READTIMEOUT: value,
      OPTIMIZELY_CLIENT_POLLINGINTERVAL: value,
      ...(value === '-1' && { OPTIMIZELY_CLIENT_BATCHSIZE: value, OPTIMIZELY_CLIENT_QUEUESIZE: value }),
    });
    expect(config.server.readTimeoutMs).toBe(0);
    expect(config.cdnPollIntervalMs).toBe(byDefault.cdnPollIntervalMs);
    expect(config.events).toEqual(byDefault.events);
    expect(warnings).toHaveLength(value === '-1' ? 3 : 1);
  });

  it('and less than it is no limit', () => {
    for (const value of ['0', '-1'])
      expect(
        read({ OPTIMIZELY_API_MAXCONNS: value, OPTIMIZELY_API_CORS_MAXAGE: value }).config.api,
      ).toMatchObject({ maxConns: 0, cors: { maxAgeS: 0 } });
  });
});

describe('less than nothing', () => {
  it('of what is kept or tried again is nothing', () => {
    const cache = { services: { 'in-memory': { size: -1 } } };
    const contents = {
      client: {
        cmab: { cache, retryConfig: { maxRetries: -1, backoffMultiplier: 0 } },
        userProfileService: { default: 'in-memory', services: { 'in-memory': { capacity: -1 } } },
      },
    };
    const { cmab, userProfiles } = read({}, contents).config;
    expect(cmab).toMatchObject({ cache: { size: 0 }, retry: { maxRetries: 0, backoffMultiplier: 0 } });
    expect(userProfiles.services.get('in-memory')).toMatchObject({ capacity: 0 });
  });
});

describe('an SDK key that is listed again', () => {
  it.each([
    [
      'a,b,a',
      [
        ['a', null],
        ['b', null],
      ],
      'has a key again as number 3: it is served once',
    ],
    ['a:t,a:t', [['a', 't']], 'has a key again as number 2: it is served once'],
    ['a,a:t', [['a', 't']], 'has a key again as number 2: it is served with the access token'],
    ['a:t,a', [['a', 't']], 'has a key again as number 2: it is served with the access token'],
    ['a:t,a:u', [['a', 't']], 'has a key again as number 2: it is served with the first access token'],
  ])('in %s is one', (listed, expected, warning) => {
    const { config, warnings } = read({ OPTIMIZELY_SDKKEYS: listed });
    expect(config.keys.map(({ sdkKey, accessToken }) => [sdkKey, accessToken])).toEqual(expected);
    expect(warnings).toEqual([`OPTIMIZELY_SDKKEYS ${warning}`]);
  });
});

describe('projects of the webhook', () => {
  const projectsOf = (projects: unknown) => read({}, { webhook: { projects } });

  it('name keys with their access tokens, and more than once', () => {
    const { config, warnings } = projectsOf({ 1: { secret: 's', sdkKeys: ['a:token', 'b', 'a'] } });
    expect(config.webhook.projects.get('1')?.sdkKeys).toEqual(['a', 'b']);
    expect(warnings).toEqual([]);
  });

  it('without a secret are refused when they call, not at the start', () => {
    const { config, warnings } = projectsOf({ 1: { sdkKeys: ['a'] } });
    expect(config.webhook.projects.get('1')).toMatchObject({ secret: '', skipSignatureCheck: false });
    expect(warnings).toEqual([
      'f: webhook.projects.1 has no secret: every webhook of it is refused (or set skipSignatureCheck: true)',
    ]);
  });

  it('projects of the webhook may be an empty list, as templates write it', () => {
    expect(projectsOf([]).config.webhook.projects.size).toBe(0);
  });
});

describe('a Redis', () => {
  it.each([
    [{}, 'localhost', 6379],
    [{ host: ':6380' }, 'localhost', 6380],
    [{ host: 'cache' }, 'cache', 6379],
  ])('at %j is %s:%d, as Go has it', (redis, host, port) => {
    const { config } = read({}, { client: { userProfileService: { services: { redis } } } });
    expect(config.userProfiles.services.get('redis')).toMatchObject({ redis: { host, port } });
  });
});

describe('traces', () => {
  const otel = { default: 'collector', services: { remote: { protocol: 'udp', sampleRate: 2 } } };

  it('traces that are off may have any protocol, and a sample rate beyond 0 to 1 counts as none or all', () => {
    const { config } = read({}, { tracing: { enabled: false, opentelemetry: otel } });
    expect(config.tracing.enabled).toBe(false);
    const rateOf = (sampleRate: number) =>
      read({}, { tracing: { opentelemetry: { default: 'remote', services: { remote: { sampleRate } } } } })
        .config.tracing.exporter;
    expect([rateOf(2), rateOf(-1), rateOf(0.5)]).toMatchObject([
      { sampleRate: 1 },
      { sampleRate: 0 },
      { sampleRate: 0.5 },
    ]);
  });

  it('traces that are on need a known protocol and exporter', () => {
    const contents = { tracing: { enabled: true, opentelemetry: otel } };
    expect(checkConfig({}, () => '', { path: 'f', contents }).problems).toEqual([
      'f: tracing.opentelemetry.services.remote.protocol is "udp" but must be one of grpc, http',
      'f: tracing.opentelemetry.default is "collector" but must be one of stdout, remote',
    ]);
  });
});

describe('a log level', () => {
  it.each([
    ['1', 'info'],
    ['-1', 'debug'],
    ['3', 'error'],
  ])('a log level of %s is %s, as the original numbers them', (text, level) => {
    expect(read({ OPTIMIZELY_LOG_LEVEL: text }).config.logLevel).toBe(level);
  });
});

describe('a health path', () => {
  it('a health path may be written without its slash', () => {
    expect(read({ OPTIMIZELY_SERVER_HEALTHCHECKPATH: 'healthz' }).config.server.healthCheckPath).toBe(
      'healthz',
    );
  });
});
