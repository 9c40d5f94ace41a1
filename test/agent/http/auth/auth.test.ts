// Tokens on both ports, issued for a client's secret. Secrets and hashes were made with Go's bcrypt.

import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { startDoor } from '../../support/door.ts';
import { KEY, realClock } from '../../support/fakes.ts';

const CLIENT_SECRET = 'CwBVep/E6Q4zWH2ix+wRNluApcrvFDleg6jN8hc8YYY=';
const SECRET_HASH = 'JDJhJDA0JHdYYWtBeHVCd3IxR1R6TXBscHNxRy5pTGJJb0xqSHdqYThaMy9mQS96MDhiMHpQLkg2STU2';
const HMAC_SECRETS = ['Zmlyc3Qtc2VjcmV0LW9mLXRoaXJ0eS10d28tYnl0ZXM=', 'c2Vjb25kLXNlY3JldA=='];

const auth = {
  ttl: '30m',
  hmacSecrets: HMAC_SECRETS,
  clients: [{ id: 'shop', secretHash: SECRET_HASH, sdkKeys: [KEY, 'another'] }],
};
const start = (clock = realClock) => startDoor({ file: { api: { auth }, admin: { auth } }, clock });
type Door = Awaited<ReturnType<typeof start>>;

const form = (fields: Record<string, string>) => ({
  path: '/oauth/token',
  method: 'POST',
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: new URLSearchParams(fields).toString(),
});
const credentials = { grant_type: 'client_credentials', client_id: 'shop', client_secret: CLIENT_SECRET };
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const tokenOf = async (ask: Door['api']) => String((await ask(form(credentials))).json().access_token);

const signed = (claims: Record<string, unknown>, secret = HMAC_SECRETS[0] as string, alg = 'HS256') =>
  new SignJWT({ exp: 9_999_999_999, ...claims })
    .setProtectedHeader({ alg })
    .sign(Buffer.from(secret, 'base64'));

describe('a token', () => {
  it('a token is issued for a secret, and lets its bearer ask for the SDK keys of the client', async () => {
    const { api } = await start();
    const issued = await api(form(credentials));
    expect(issued.status).toBe(200);
    expect(issued.headers['cache-control']).toBe('no-store');
    expect(issued.json()).toEqual({
      access_token: expect.any(String),
      token_type: 'bearer',
      expires_in: 1800,
    });
    const headers = bearer(String(issued.json().access_token));
    for (let i = 0; i < 2; i++) expect((await api({ path: '/v1/config', headers })).status).toBe(200);
    const other = await api({
      path: '/v1/config',
      headers: { ...headers, 'x-optimizely-sdk-key': 'not-mine' },
    });
    expect(other.status).toBe(401);
    expect(other.json().error).toContain('was not found in the SDK keys');
  });

  it('a token of the admin port is another one', async () => {
    const { api, admin } = await start();
    const forApi = bearer(await tokenOf(api));
    const forAdmin = bearer(await tokenOf(admin));
    for (const path of ['/info', '/config', '/metrics']) {
      expect((await admin({ path, headers: forAdmin })).status).toBe(200);
      expect((await admin({ path })).json()).toEqual({ error: 'empty token' });
      expect((await admin({ path, headers: forApi })).json()).toEqual({ error: 'admin flag not set' });
    }
    const wrong = await api({ path: '/v1/config', headers: forAdmin });
    expect(wrong.json().error).toContain('sdk_keys not found');
  });

  it('a token is required on every route but the public ones', async () => {
    const { api, admin } = await start();
    const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"userId":"u"}' };
    for (const asked of [
      { path: '/v1/config' },
      { path: '/v1/datafile' },
      { path: '/v1/datafile/stream' },
      { path: '/v1/notifications/event-stream' },
      { path: '/v1/decide', ...post },
      { path: '/v1/track?eventKey=e', ...post },
      { path: '/ofrep/v1/evaluate/flags', ...post },
    ]) {
      const answer = await api(asked);
      expect([asked.path, answer.status, answer.headers['www-authenticate']]).toEqual([
        asked.path,
        401,
        'Bearer',
      ]);
    }
    for (const path of ['/health', '/openapi.json', `/datafiles/${KEY}.json`])
      expect([path, (await api({ path })).status]).toEqual([path, 200]);
    expect((await admin({ path: '/health' })).status).toBe(200);
  });

  it('a token is asked for where OFREP’s clients send their SDK key as one', async () => {
    const { api } = await start();
    const post = {
      path: '/ofrep/v1/evaluate/flags',
      method: 'POST',
      body: '{"context":{"targetingKey":"u"}}',
    };
    const typed = { 'content-type': 'application/json', 'x-optimizely-sdk-key': '' };
    const statusFor = async (headers: Record<string, string>) =>
      (await api({ ...post, headers: { ...typed, ...headers } })).status;
    expect(await statusFor(bearer(KEY))).toBe(401);
    const token = await tokenOf(api);
    expect(await statusFor(bearer(token))).toBe(401);
    expect(await statusFor({ ...bearer(token), 'x-api-key': KEY })).toBe(200);
  });

  it('a token is asked for by every operation of a batch', async () => {
    const { api } = await start();
    const operation = (headers: Record<string, string>) => ({
      ...{ method: 'GET', url: '/v1/config', operationID: '1', params: {}, body: {} },
      headers: { 'X-Optimizely-SDK-Key': KEY, ...headers },
    });
    const token = await tokenOf(api);
    const answer = await api({
      path: '/v1/batch',
      method: 'POST',
      headers: { 'content-type': 'application/json', ...bearer(token) },
      body: JSON.stringify({ operations: [operation({}), operation({ Authorization: `Bearer ${token}` })] }),
    });
    const { response } = answer.json<{ response: { status: number }[] }>();
    expect(response.map(({ status }) => status).sort()).toEqual([200, 401]);
  });

  it('a token is not good when it is expired, remembered or not', async () => {
    let lateMs = 0;
    const { api } = await start({ ...realClock, nowMs: () => realClock.nowMs() + lateMs });
    const headers = bearer(await tokenOf(api));
    const unseen = bearer(await tokenOf(api));
    expect((await api({ path: '/v1/config', headers })).status).toBe(200);
    lateMs = 31 * 60_000;
    for (const late of [headers, unseen, headers])
      expect((await api({ path: '/v1/config', headers: late })).json()).toEqual({ error: 'token expired' });
  });

  it.each([[undefined], [1]])('a token is expired too where it ends at %s', async (exp) => {
    const { api } = await start();
    const answer = await api({ path: '/v1/config', headers: bearer(await signed({ sdk_keys: [KEY], exp })) });
    expect([answer.status, answer.json()]).toEqual([401, { error: 'token expired' }]);
  });

  it('a token may be signed with any of the secrets, so that they can be changed', async () => {
    const { api } = await start();
    const statusFor = async (token: string) =>
      (await api({ path: '/v1/config', headers: bearer(token) })).status;
    expect(await statusFor(await signed({ sdk_keys: [KEY] }, HMAC_SECRETS[1]))).toBe(200);
    expect(await statusFor(await signed({ sdk_keys: [KEY] }, HMAC_SECRETS[0], 'HS512'))).toBe(200);
    expect(await statusFor(await signed({ sdk_keys: [KEY] }, 'b3RoZXI='))).toBe(401);
  });

  it('a token may be sent in the other ways of the original, and with an access token of the SDK key', async () => {
    const { api } = await start();
    const token = await tokenOf(api);
    for (const headers of [{ authorization: `JWT ${token}` }, { authorization: token }, { jwt: token }])
      expect((await api({ path: '/v1/config', headers })).status).toBe(200);
    const withToken = { ...bearer(token), 'x-optimizely-sdk-key': `${KEY}:datafile-token` };
    expect((await api({ path: '/v1/config', headers: withToken })).status).not.toBe(401);
  });

  it.each<[string, () => Promise<string> | string]>([
    ['nonsense', () => 'nonsense'],
    ['three parts of nonsense', () => 'a.b.c'],
    ['no algorithm', () => `${btoa('{"alg":"none"}')}.${btoa(`{"sdk_keys":["${KEY}"],"exp":9999999999}`)}.`],
    ['a time of issue to come', () => signed({ sdk_keys: [KEY], iat: 9_999_999_998 })],
    ['an end long ago', () => signed({ sdk_keys: [KEY], exp: 1 })],
    ['a beginning to come', () => signed({ sdk_keys: [KEY], nbf: 9_999_999_998 })],
    ['keys that are no list', () => signed({ sdk_keys: KEY })],
    ['keys that are no texts', () => signed({ sdk_keys: [1, null, {}] })],
    ['no keys', () => signed({ sdk_keys: [] })],
    ['a very long text', () => 'a'.repeat(15_000)],
  ])('a token that is or has %s is refused', async (_, make) => {
    const { api } = await start();
    const answer = await api({ path: '/v1/config', headers: bearer(await make()) });
    expect(answer.status).toBe(401);
    expect(answer.json()).toEqual({ error: expect.any(String) });
  });
});

describe('a request for a token', () => {
  it.each<[string, Record<string, string>, number, string]>([
    ['no grant', {}, 400, 'invalid_request'],
    ['another grant', { grant_type: 'password' }, 400, 'unsupported_grant_type'],
    ['no client', { grant_type: 'client_credentials' }, 401, 'invalid_client'],
    ['no secret', { ...credentials, client_secret: '' }, 401, 'invalid_client'],
    ['an unknown client', { ...credentials, client_id: 'toString' }, 401, 'invalid_client'],
    ['a wrong secret', { ...credentials, client_secret: 'd3Jvbmc=' }, 401, 'invalid_client'],
    ['a secret that is no base64', { ...credentials, client_secret: '!' }, 401, 'invalid_client'],
    ['a secret of padding', { ...credentials, client_secret: '====' }, 401, 'invalid_client'],
    ['a secret of a line feed', { ...credentials, client_secret: '\n' }, 401, 'invalid_client'],
    ['a secret of a zero byte', { ...credentials, client_secret: 'AA==' }, 401, 'invalid_client'],
    ['half a secret', { ...credentials, client_secret: 'd3Jv=' }, 401, 'invalid_client'],
    ['a secret for URLs', { ...credentials, client_secret: '_-__' }, 401, 'invalid_client'],
    ['a long secret', { ...credentials, client_secret: btoa('x'.repeat(100)) }, 401, 'invalid_client'],
    ['a very long secret', { ...credentials, client_secret: btoa('x'.repeat(9_000)) }, 401, 'invalid_client'],
  ])('a request for a token with %s is refused, and no error of ours', async (_, fields, status, error) => {
    const { api, log } = await start();
    const answer = await api(form(fields));
    expect(answer.status).toBe(status);
    expect(answer.json().error).toBe(error);
    expect(log.of('request.failed')).toEqual([]);
  });

  it('a request for a token of a client that was here before is answered while strangers guess', async () => {
    const { api } = await start();
    await tokenOf(api);
    const guess = (i: number) => api(form({ ...credentials, client_secret: btoa(`guess ${i}`) }));
    const guesses = Array.from({ length: 60 }, (_, i) => guess(i));
    for (let i = 0; i < 5; i++) expect((await api(form(credentials))).status).toBe(200);
    const refused = (await Promise.all(guesses)).filter(({ status }) => status === 503);
    expect(refused.length).toBeGreaterThan(0);
    for (const { headers } of refused) expect(headers['retry-after']).toBe('1');
  });

  it.each([
    ['a=%zz&b=%', 'invalid URL escape "%zz"'],
    ['a=b%4', 'invalid URL escape "%4"'],
    ['a=b;c=d', 'invalid semicolon separator in query'],
  ])('a request for a token that cannot be read says why: %s', async (body, why) => {
    const { api } = await start();
    const answer = await api({ ...form({}), body });
    expect([answer.status, answer.json()]).toEqual([
      400,
      { error: 'invalid_request', error_description: `error parsing request body: ${why}` },
    ]);
  });

  it('a token request that is not a form is refused, also by an agent without clients', async () => {
    const json = { headers: { 'content-type': 'application/json' }, body: '{}' };
    const { api } = await startDoor();
    const answer = await api({ ...form({}), ...json });
    expect(answer.status).toBe(415);
    expect(answer.json().error).toBe('invalid_request');
    expect((await api(form(credentials))).json().error).toBe('invalid_client');
  });
});
