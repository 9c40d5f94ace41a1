import { describe, expect, it } from 'vitest';
import { loadConfigFile, parseConfig } from '../../../agent/config/config.ts';
import { FanoutError } from '../../../core/errors.ts';

const absent = (path: string): never => {
  throw Object.assign(new Error(`ENOENT: no such file or directory, open '${path}'`), { code: 'ENOENT' });
};
const holding = (text: string) => (path: string) => (path === './config.yaml' ? text : absent(path));

async function load(text: string, env: Record<string, string> = {}) {
  return parseConfig(env, absent, await loadConfigFile(undefined, holding(text)));
}

async function problemsOf(text: string, env: Record<string, string> = {}): Promise<string> {
  try {
    await load(text, env);
    return 'none';
  } catch (error) {
    if (error instanceof FanoutError && error.code === 'CONFIG_INVALID') return error.message;
    throw error;
  }
}

describe('the file with settings', () => {
  it('the file with settings may be missing unless it is named', async () => {
    expect(await loadConfigFile(undefined, absent)).toBe(null);
    expect(await loadConfigFile(' ', absent)).toBe(null);
    const named = await loadConfigFile('/etc/agent.yaml', absent);
    expect(() => parseConfig({}, absent, named)).toThrow(
      'OPTIMIZELY_CONFIG_FILENAME is "/etc/agent.yaml", which cannot be read (ENOENT',
    );
  });

  it('the file with settings may be empty, or hold nothing but comments', async () => {
    for (const text of ['', ' \n', '# nothing\n', 'api:\n', 'api: {}\n'])
      expect(await load(text)).toEqual(await load(''));
  });

  it('the file with settings that cannot be read is a problem, also where it is not named', async () => {
    const forbidden = await loadConfigFile(undefined, () => {
      throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
    });
    expect(() => parseConfig({}, absent, forbidden)).toThrow('EACCES');
  });

  it('the file with settings has the original’s form, names in any case, and ours beside it', async () => {
    const config = await load(`
      sdkkeys: [abc, def:token]
      log: { level: WARN, pretty: true, includeSdkKey: false }
      server:
        host: 0.0.0.0
        allowedHosts: [Flags.example, .svc]
        readTimeout: 3s
        batchRequests: { maxConcurrency: 2, operationsLimit: 100 }
      api:
        port: "3000"
        maxConns: 100
        enableNotifications: true
        enableOverrides: true
      admin: { port: 3002, metricsType: promethues }
      webhook:
        port: "8089"
        projects:
          9300000000000000123:
            sdkKeys: [abc]
            secret: s
          20000:
            sdkKeys: def,ghi
            skipSignatureCheck: true
      client:
        pollingInterval: 2m
        datafileURLTemplate: https://cdn.optimizely.com/datafiles/%s.json
        eventURL: https://events.example/v1
        batchSize: 1
        queueSize: 5
        flushInterval: 1m
        sdkKeyRegex: ^\\w+$
      tracing:
        enabled: true
        opentelemetry:
          default: remote
          serviceName: flags
          services: { remote: { endpoint: collector:4318, protocol: http, sampleRate: 0.5 } }
      synchronization: { notification: { enable: false } }
      fanout: { bucket: b, natsUrl: [ws://one, ws://two], cacheDir: /cache, eventsDiskMax: 2MB, workers: 3, adminHost: 127.0.0.1 }
    `);
    expect(config).toMatchObject({
      keys: [
        { sdkKey: 'abc', accessToken: null },
        { sdkKey: 'def', accessToken: 'token' },
      ],
      ...{ logLevel: 'warn', logPretty: true, logSdkKeys: false, host: '0.0.0.0', workers: 3 },
      server: { allowedHosts: ['0.0.0.0', 'flags.example', '.svc'], allowAnyIp: false, readTimeoutMs: 3_000 },
      batch: { maxConcurrency: 2, operationsLimit: 100 },
      ...{ apiPort: 3000, adminPort: 3002, admin: { metricsType: 'prometheus' } },
      api: { maxConns: 100, enableNotifications: true, enableOverrides: true },
      webhook: { port: 8089 },
      notifications: { enabled: true, sync: false },
      cdnPollIntervalMs: 120_000,
      cdnAuthUrlTemplate: 'https://config.optimizely.com/datafiles/auth/%s.json',
      events: {
        ...{ url: 'https://events.example/v1', batchSize: 1, queueSize: 5, flushIntervalMs: 60_000 },
        diskBytesMax: 2 * 1024 * 1024,
      },
      tracing: {
        ...{ enabled: true, serviceName: 'flags' },
        exporter: { kind: 'otlp', endpoint: 'collector:4318', protocol: 'http', sampleRate: 0.5 },
      },
      ...{ nats: { servers: ['ws://one', 'ws://two'] }, s3: { bucket: 'b' }, cacheDir: '/cache' },
    });
    expect(config.webhook.projects).toEqual(
      new Map([
        ['9300000000000000123', { sdkKeys: ['abc'], secret: 's', skipSignatureCheck: false }],
        ['20000', { sdkKeys: ['def', 'ghi'], secret: '', skipSignatureCheck: true }],
      ]),
    );
    expect(config.sdkKeyRegex).toBe('^\\w+$');
    expect(config.warnings.map((text) => text.replace(/^.* has/, 'has')).sort()).toEqual([]);
  });

  it('gives way to variables, and defaults give way to it', async () => {
    const text =
      'api: { port: 1, maxConns: 7 }\nclient: { odp: { segmentsCache: { services: { redis: { host: r } } } } }';
    const config = await load(text, { OPTIMIZELY_API_PORT: '2', OPTIMIZELY_API_MAXCONNS: '' });
    expect([config.apiPort, config.api.maxConns, config.adminPort]).toEqual([2, 7, 8088]);
    expect([...config.odp.segmentsCache.services.keys()]).toEqual(['in-memory', 'redis']);
  });

  it('the file with settings is pointed to in what is wrong with it', async () => {
    const problem = await problemsOf(`
      api: { port: 70000, enableOverrides: perhaps, maxConns: [1] }
      client: { flushInterval: 1d, userProfileService: { default: redis, services: { redis: { database: x } } } }
      log: loud
      webhook: { projects: { shop: { sdkKeys: a b } } }
      fanout: { bukcet: b }
      sdkKeys: [a b]
    `);
    for (const text of [
      'config.yaml: api.port is "70000" but must be a whole number from 0 to 65535',
      'config.yaml: api.enableOverrides is "perhaps" but must be true or false',
      'config.yaml: api.maxConns is "a list" but must be a whole number',
      'config.yaml: client.flushInterval is "1d" but must be a duration such as 100ms, 5s or 1m',
      'config.yaml: client.userProfileService.services.redis.database is "x"',
      'config.yaml: webhook.projects.shop must be named by the id of a project',
      'config.yaml: webhook.projects.shop.sdkKeys: "a b" is not an SDK key',
      'config.yaml: fanout.bukcet is not a setting; did you mean fanout.bucket?',
      'config.yaml: sdkKeys: "a b" is not an SDK key',
    ])
      expect(problem).toContain(text);
  });

  it('the file with settings may hold what other versions of the original know, which is said', async () => {
    const { warnings } = await load(`
      api: { allowedContentTypes: [application/json], enableOverridse: true }
      runtime: { blockProfileRate: 0, mutexProfileFraction: 1 }
      synchronization: { pubsub: { redis: { host: h, password: p } }, datafile: { enable: true } }
      server: { interceptors: { httplog: {} } }
      client: { userProfileService: { services: { custom: { path: p } } } }
    `);
    expect([...warnings].sort()).toEqual([
      './config.yaml: api.allowedContentTypes is not a setting',
      './config.yaml: api.enableOverridse is not a setting; did you mean api.enableOverrides?',
      './config.yaml: client.userProfileService.services.custom has no effect: a user profile service is one of in-memory, redis, rest',
      './config.yaml: runtime.mutexProfileFraction has no effect: there is no Go runtime to profile',
      './config.yaml: server.interceptors has no effect: there are no plugins; requests are counted at /metrics',
      './config.yaml: synchronization.datafile has no effect: every agent gets every datafile over the bus (FANOUT_NATS_URL)',
      './config.yaml: synchronization.pubsub has no effect: datafiles and notifications travel over the bus (FANOUT_NATS_URL)',
    ]);
  });

  it('the file with settings may say nothing of what has no effect', async () => {
    const text = 'server: { interceptors: {} }\nsynchronization: { pubsub: {}, datafile: { enable: false } }';
    expect((await load(text)).warnings).toEqual([]);
  });

  it.each([
    ['api: {', 'is not YAML'],
    ['a: 1\na: 2', 'is not YAML'],
    ['- a', 'must hold a map of settings'],
    ['text', 'must hold a map of settings'],
    ['a: &a [*a,*a,*a,*a,*a,*a,*a,*a,*a]', 'none'],
    ['a: !!js/function "x"', 'none'],
  ])('%j: %s', async (text, problem) => {
    expect(await problemsOf(text)).toContain(problem);
  });

  it('the file with settings that is broken is not repeated: it may hold secrets', async () => {
    expect(await problemsOf('api:\n  auth: { hmacSecrets: SECRET, : }\n password: "SECRET')).not.toContain(
      'SECRET',
    );
  });

  it('the file with settings cannot reach the prototype of everything', async () => {
    await load(
      '__proto__: { polluted: true }\nconstructor: { prototype: { polluted: true } }\napi: { __proto__: { port: 1 } }',
    );
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('the file with settings that is nested without end, or grows by its own references, is refused or cut off', async () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefgh'
      .split('')
      .map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefg'[i]}`).join(',')}]`)
      .join('\n')}`;
    expect(await problemsOf(bomb)).toContain('is not YAML');
    expect(await problemsOf(`a: ${'['.repeat(500)}${']'.repeat(500)}`)).toBe('none');
  });
});
