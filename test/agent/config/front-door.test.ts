import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkConfig, type Environment, parseConfig } from '../../../agent/config/config.ts';

const pem = (name: string) => readFileSync(join(import.meta.dirname, '../../fixtures/tls', name), 'utf8');
const files: Record<string, string> = {
  'key.pem': pem('key.pem'),
  'cert.pem': pem('cert.pem'),
  'bad.pem': 'bad',
};
const readText = (path: string): string => {
  const text = files[path];
  if (text === undefined) throw new Error('no such file');
  return text;
};
const parse = (env: Environment, contents: object = {}) =>
  parseConfig(env, readText, { path: 'config.yaml', contents });
const problemsOf = (env: Environment, contents: object = {}) =>
  checkConfig(env, readText, { path: 'config.yaml', contents }).problems.join('; ');

describe('allowed hosts', () => {
  it.each<[Environment, string[] | null, boolean]>([
    [{}, ['127.0.0.1', 'localhost', '::1'], false],
    [{ OPTIMIZELY_SERVER_HOST: '0.0.0.0' }, ['0.0.0.0', 'localhost', '127.0.0.1', '::1'], true],
    [
      { OPTIMIZELY_SERVER_HOST: 'Flags.Internal' },
      ['flags.internal', 'localhost', '127.0.0.1', '::1'],
      false,
    ],
    [
      { OPTIMIZELY_SERVER_ALLOWEDHOSTS: 'a.example, .B.example' },
      ['127.0.0.1', 'a.example', '.b.example'],
      false,
    ],
    [
      { OPTIMIZELY_SERVER_HOST: '0.0.0.0', OPTIMIZELY_SERVER_ALLOWEDHOSTS: '127.0.0.1' },
      ['0.0.0.0', '127.0.0.1'],
      false,
    ],
    [{ OPTIMIZELY_SERVER_HOST: '[::]' }, ['::', 'localhost', '127.0.0.1', '::1'], true],
    [{ OPTIMIZELY_SERVER_ALLOWEDHOSTS: 'a.example,.' }, null, true],
  ])('%j', (env, allowedHosts, allowAnyIp) => {
    expect(parse(env).server).toMatchObject({ allowedHosts, allowAnyIp });
  });
});

describe('TLS', () => {
  const env = { OPTIMIZELY_SERVER_KEYFILE: 'key.pem', OPTIMIZELY_SERVER_CERTFILE: 'cert.pem' };

  it('TLS is off unless it is set, and then has the contents of its files', () => {
    expect(parse({}).server.tls).toBe(null);
    const disabled = { OPTIMIZELY_SERVER_DISABLEDCIPHERS: 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256' };
    expect(parse({ ...env, ...disabled }).server.tls).toEqual({
      ...{ key: files['key.pem'], cert: files['cert.pem'] },
      disabledCiphers: ['ECDHE-RSA-AES128-GCM-SHA256'],
    });
  });

  it.each<[Environment, string]>([
    [{ OPTIMIZELY_SERVER_KEYFILE: 'key.pem' }, 'OPTIMIZELY_SERVER_KEYFILE is set but server.certFile is not'],
    [
      { OPTIMIZELY_SERVER_CERTFILE: 'cert.pem' },
      'OPTIMIZELY_SERVER_CERTFILE is set but server.keyFile is not',
    ],
    [
      { ...env, OPTIMIZELY_SERVER_KEYFILE: 'gone.pem' },
      'is "gone.pem" but must be a readable file (no such file)',
    ],
    [
      { ...env, OPTIMIZELY_SERVER_KEYFILE: 'bad.pem' },
      'OPTIMIZELY_SERVER_KEYFILE and its certificate cannot be used',
    ],
    [{ OPTIMIZELY_SERVER_DISABLEDCIPHERS: 'RC4' }, 'names "RC4", but may name TLS_ECDHE_'],
  ])('%j is refused', (wrong, problem) => {
    expect(problemsOf(wrong)).toContain(problem);
  });
});

describe('tokens', () => {
  const secretHash = 'JDJhJDA0JHdYYWtBeHVCd3IxR1R6TXBscHNxRy5pTGJJb0xqSHdqYThaMy9mQS96MDhiMHpQLkg2STU2';
  const client = { id: 'c', secretHash, sdkKeys: ['k'] };
  const auth = { ttl: '30m', hmacSecrets: ['U0VDUkVU'], clients: [client] };

  it('tokens are not asked for unless secrets or keys are set', () => {
    expect(parse({}).api.auth).toBe(null);
    expect(parse({}, { api: { auth: { ttl: '30m' } } }).api.auth).toBe(null);
  });

  it('tokens are read from the file, the secrets from a variable', () => {
    const contents = { api: { auth: { ...auth, hmacSecrets: undefined } } };
    const config = parse({ OPTIMIZELY_API_AUTH_HMACSECRETS: 'Zmlyc3Q=,c2Vjb25k' }, contents);
    expect(config.admin.auth).toBe(null);
    expect(config.api.auth).toEqual({
      hmacSecrets: [Buffer.from('first'), Buffer.from('second')],
      clients: [{ id: 'c', sdkKeys: ['k'], secretHash: expect.stringMatching(/^\$2a\$04\$/) }],
      ...{ ttlMs: 1_800_000, jwksUrl: null, jwksUpdateIntervalMs: 0 },
    });
    const clients = JSON.stringify([client]);
    expect(
      parse({
        OPTIMIZELY_ADMIN_AUTH_CLIENTS: clients,
        OPTIMIZELY_ADMIN_AUTH_HMACSECRETS: 'Zmlyc3Q',
        OPTIMIZELY_ADMIN_AUTH_TTL: '1h',
      }).admin.auth?.clients[0]?.id,
    ).toBe('c');
  });

  it('tokens may be those of an issuer', () => {
    const env = {
      OPTIMIZELY_API_AUTH_JWKSURL: 'https://issuer.example/jwks.json',
      OPTIMIZELY_API_AUTH_JWKSUPDATEINTERVAL: '30m',
    };
    expect(parse(env).api.auth).toMatchObject({ jwksUrl: env.OPTIMIZELY_API_AUTH_JWKSURL });
    expect(parse({ ...env, OPTIMIZELY_API_AUTH_HMACSECRETS: 'U0VDUkVU' }).warnings[0]).toContain(
      'has no effect',
    );
  });

  it.each<[object, string]>([
    [{ ...auth, hmacSecrets: [] }, 'api.auth.clients needs hmacSecrets'],
    [
      { ...auth, hmacSecrets: ['ok==', 'not base64!'] },
      'api.auth.hmacSecrets has a secret (number 2) that is not base64',
    ],
    [{ ...auth, hmacSecrets: ['abcde'] }, 'has a secret (number 1) that is not base64'],
    [{ ...auth, ttl: '0s' }, 'api.auth.ttl must be set where clients are'],
    [{ ...auth, clients: [client, client] }, 'names the id "c" twice'],
    [{ ...auth, clients: [{ ...client, id: '' }] }, 'api.auth.clients[0] has no id'],
    [{ ...auth, clients: [{ ...client, sdkKeys: [] }] }, 'api.auth.clients[0] needs sdkKeys'],
    [
      { ...auth, clients: [{ ...client, secretHash: 'U0VDUkVU' }] },
      'needs a secretHash: base64 of a bcrypt hash',
    ],
    [{ ...auth, clients: { c: client } }, 'api.auth.clients is "a map" but must be a list'],
    [{ jwksURL: 'https://i' }, 'jwksUpdateInterval must be set where jwksURL is'],
    [{ jwksURL: 'file:///etc/keys', jwksUpdateInterval: '1m' }, 'must be a URL with http: or https:'],
  ])('%j are refused', (wrong, problem) => {
    const text = problemsOf({}, { api: { auth: wrong } });
    expect(text).toContain(problem);
    expect(text).not.toContain('U0VDUkVU');
    expect(text).not.toContain(secretHash);
  });
});

describe('CORS', () => {
  it('CORS has the original’s defaults, and leaves headers to the routes', () => {
    expect(parse({}).api.cors).toEqual({
      ...{ allowedOrigins: ['*'], allowedMethods: ['HEAD', 'GET', 'POST'], exposedHeaders: null },
      ...{ allowedHeaders: null, allowCredentials: false, maxAgeS: 300 },
    });
  });

  it('takes the headers that the operator chose, and Origin, as the original', () => {
    const cors = parse({
      OPTIMIZELY_API_CORS_ALLOWEDHEADERS: 'X-Api-Key',
      OPTIMIZELY_API_CORS_EXPOSEDHEADERS: 'ETag',
    }).api.cors;
    expect(cors).toMatchObject({ allowedHeaders: ['x-api-key', 'origin'], exposedHeaders: ['ETag'] });
  });

  it('refuses origins with more than one wildcard', () => {
    expect(problemsOf({ OPTIMIZELY_API_CORS_ALLOWEDORIGINS: 'https://*.*.example' })).toContain('one * only');
  });
});

it('takes addresses and networks as trusted proxies, and nothing else', () => {
  expect(parse({}).server.trustedProxies).toEqual([]);
  const { server, admin } = parse({ FANOUT_TRUSTED_PROXIES: '10.0.0.0/8, ::1' });
  expect(server.trustedProxies).toEqual(['10.0.0.0/8', '::1']);
  expect(admin.trustedProxies).toEqual([]);
  expect(() => parse({ FANOUT_TRUSTED_PROXIES: 'proxy.example' })).toThrow(
    'FANOUT_TRUSTED_PROXIES names "proxy.example"',
  );
});
