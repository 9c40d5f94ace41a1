import { describe, expect, it } from 'vitest';
import { type Environment, parseConfig } from '../../../agent/config/config.ts';
import { FanoutError } from '../../../core/errors.ts';
import { CREDS } from '../../support/bus/creds.ts';

const noFiles = (): string => {
  throw new Error('no such file');
};
const parse = (env: Environment) => parseConfig(env, noFiles);

function problemOf(env: Environment): string {
  try {
    parse(env);
    return 'none';
  } catch (error) {
    if (!(error instanceof FanoutError)) throw error;
    expect(error.code).toBe('CONFIG_INVALID');
    return error.message;
  }
}

describe('settings', () => {
  it('settings have defaults for everything', () => {
    expect(parse({})).toMatchObject({
      ...{
        keys: [],
        keysOnDemandMax: 100,
        host: '127.0.0.1',
        apiPort: 8080,
        adminPort: 8088,
        logLevel: 'info',
      },
      cdnUrlTemplate: 'https://cdn.optimizely.com/datafiles/%s.json',
      cdnAuthUrlTemplate: 'https://config.optimizely.com/datafiles/auth/%s.json',
      cdnPollIntervalMs: 60_000,
      events: { url: null, batchSize: 10, flushIntervalMs: 30_000 },
      // The original's sample file has another port; without it this is where it listens.
      webhook: { port: 8085, receiverUrl: null },
      ...{ nats: null, s3: null, cacheDir: null, s3PollIntervalMs: 5_000, s3CheckIntervalMs: 300_000 },
    });
  });

  it('settings are read from the environment', () => {
    const config = parseConfig(
      {
        OPTIMIZELY_SDKKEYS: 'plain, secure:to:ken ,',
        OPTIMIZELY_SERVER_HOST: '127.0.0.1',
        OPTIMIZELY_API_PORT: '0',
        OPTIMIZELY_LOG_LEVEL: 'WARN',
        OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: 'http://cdn.local/%s.json',
        OPTIMIZELY_CLIENT_EVENTURL: 'http://events.local/',
        FANOUT_BUCKET: 'bucket',
        FANOUT_S3_ENDPOINT: 'http://s3.local:9000',
        FANOUT_NATS_URL: 'ws://a:1, wss://b:2',
        FANOUT_NATS_CREDS_FILE: '/run/creds',
        FANOUT_CACHE_DIR: '/var/cache',
        FANOUT_S3_POLL_INTERVAL: '250ms',
        FANOUT_S3_CHECK_INTERVAL: '1m30s',
        FANOUT_KEYS_ON_DEMAND_MAX: '3',
      },
      () => CREDS.trim(),
    );
    expect(config).toMatchObject({
      keys: [
        { sdkKey: 'plain', accessToken: null },
        { sdkKey: 'secure', accessToken: 'to:ken' },
      ],
      ...{ host: '127.0.0.1', apiPort: 0, logLevel: 'warn', keysOnDemandMax: 3, cacheDir: '/var/cache' },
      ...{ cdnUrlTemplate: 'http://cdn.local/%s.json', cdnAuthUrlTemplate: 'http://cdn.local/%s.json' },
      events: { url: 'http://events.local/' },
      s3: { bucket: 'bucket', endpoint: 'http://s3.local:9000', region: 'us-east-1' },
      nats: { servers: ['ws://a:1', 'wss://b:2'], creds: CREDS, files: { creds: '/run/creds' } },
      ...{ s3PollIntervalMs: 250, s3CheckIntervalMs: 90_000 },
    });
  });

  it('let a password go in clear to this machine, or where the operator allows it', () => {
    for (const env of [
      { FANOUT_NATS_URL: 'ws://u:p@x', FANOUT_NATS_PLAINTEXT: 'allowed' },
      { FANOUT_NATS_URL: 'ws://u:p@127.0.0.1' },
      { FANOUT_NATS_URL: 'ws://x' },
    ])
      expect(parse({ ...env, FANOUT_BUCKET: 'b' }).nats?.servers).toHaveLength(1);
  });

  it('settings that are empty count as not set', () => {
    expect(parse({ FANOUT_NATS_URL: '', FANOUT_BUCKET: ' ', OPTIMIZELY_API_PORT: '' })).toEqual(parse({}));
  });
});

describe('wrong settings', () => {
  const table: [Environment, string][] = [
    [
      { OPTIMIZELY_API_PORT: '99999' },
      'OPTIMIZELY_API_PORT is "99999" but must be a whole number from 0 to 65535',
    ],
    [{ OPTIMIZELY_API_PORT: '80a' }, 'OPTIMIZELY_API_PORT is "80a"'],
    [{ OPTIMIZELY_LOG_LEVEL: 'loud' }, 'must be one of debug, info, warn, error, silent'],
    [{ FANOUT_S3_POLL_INTERVAL: '5' }, 'FANOUT_S3_POLL_INTERVAL is "5" but must be a duration such as 100ms'],
    [{ FANOUT_S3_POLL_INTERVAL: '1ms' }, 'at least 100ms'],
    [{ OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: 'https://x/y' }, 'with %s in its path, where the SDK key goes'],
    [{ OPTIMIZELY_CLIENT_EVENTURL: 'file:///etc' }, 'must be a URL with http: or https:'],
    [{ OPTIMIZELY_SDKKEYS: 'a b' }, '"a b" is not an SDK key'],
    [{ OPTIMIZELY_SDKKEYS: 'k:' }, 'k has a colon but no access token after it'],
    [{ FANOUT_NATS_URL: 'nats://x', FANOUT_BUCKET: 'b' }, 'must be ws:// or wss:// URLs, parted by commas'],
    [{ FANOUT_NATS_URL: 'ws://x' }, 'FANOUT_BUCKET is missing'],
    [{ FANOUT_S3_ENDPOINT: 'http://x' }, 'FANOUT_S3_ENDPOINT is set but FANOUT_BUCKET is not'],
    [{ FANOUT_NATS_USER: 'u' }, 'FANOUT_NATS_USER and FANOUT_NATS_PASSWORD must be set together'],
    [{ FANOUT_NATS_TOKEN: 't', FANOUT_NATS_CREDS_FILE: '/x' }, 'only one of FANOUT_NATS_USER'],
    [{ FANOUT_NATS_CREDS_FILE: '/x' }, 'FANOUT_NATS_CREDS_FILE is "/x" but must be a readable file'],
    [
      { FANOUT_NATS_PASSWORD_FILE: '/x', FANOUT_NATS_USER: 'u' },
      'FANOUT_NATS_PASSWORD_FILE is "/x" but must be',
    ],
    [{ FANOUT_NATS_PASSWORD_FILE: '/x', FANOUT_NATS_PASSWORD: 'p' }, 'and FANOUT_NATS_PASSWORD too'],
    [{ FANOUT_NATS_URL: 'ws://u:p@x', FANOUT_BUCKET: 'b' }, 'set FANOUT_NATS_PLAINTEXT=allowed'],
    [
      { FANOUT_NATS_URL: 'wss://x,ws://10.0.0.1', FANOUT_BUCKET: 'b', FANOUT_NATS_TOKEN: 't' },
      'is ws://10.0.0.1, where the password or token of the bus would be readable',
    ],
    [{ FANOUT_NATS_PLAINTEXT: 'yes' }, 'must be one of refused, allowed'],
    [{ FANOUT_NATS_URL: 'ws://u:p@x', FANOUT_NATS_TOKEN: 't' }, 'has too many credentials'],
    [{ FANOUT_NATS_URL: 'ws://u:p@x,ws://y' }, 'holds different credentials for its servers'],
    [
      { FANOUT_BUCKET: 'b', FANOUT_S3_ENDPOINT: 'http://u:p@x' },
      'holds a user or a password: AWS_ACCESS_KEY_ID',
    ],
    [
      { OPTIMIZELY_TRACING_OPENTELEMETRY_SERVICES_REMOTE_ENDPOINT: 'u:p@x:4317' },
      'OTEL_EXPORTER_OTLP_HEADERS',
    ],
  ];
  it.each(table)('%j say so', (env, message) => {
    expect(problemOf(env)).toContain(message);
  });

  it('wrong settings are all reported at once', () => {
    const problem = problemOf({ OPTIMIZELY_API_PORT: 'x', OPTIMIZELY_LOG_LEVEL: 'y', FANOUT_NATS_USER: 'z' });
    for (const name of ['OPTIMIZELY_API_PORT', 'OPTIMIZELY_LOG_LEVEL', 'FANOUT_NATS_USER'])
      expect(problem).toContain(name);
  });

  it('wrong settings are reported without secrets', () => {
    const problem = problemOf({
      OPTIMIZELY_SDKKEYS: 'k:SECRET1,k:SECRET1,k:',
      FANOUT_NATS_PASSWORD: 'SECRET2',
      FANOUT_NATS_TOKEN: 'SECRET3',
      FANOUT_NATS_URL: 'nats://user:SECRET4@host',
      OPTIMIZELY_API_PORT: 'x',
    });
    expect(problem).toContain('OPTIMIZELY_API_PORT');
    expect(problem).not.toContain('SECRET');
  });
});
