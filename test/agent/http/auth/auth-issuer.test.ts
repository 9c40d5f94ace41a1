// Tokens of another issuer, checked with that issuer's public keys.

import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../../../support/eventually.ts';
import { startDoor } from '../../support/door.ts';
import { KEY, realClock } from '../../support/fakes.ts';
import { startHttp } from '../../support/http.ts';

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const tokenRequest = {
  path: '/oauth/token',
  method: 'POST',
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: 'grant_type=client_credentials&client_id=shop&client_secret=c2VjcmV0',
};

describe('tokens of an issuer', () => {
  const issuer = async () => {
    const pair = await generateKeyPair('RS256');
    const next = await generateKeyPair('ES256');
    const jwk = async (key: typeof pair.publicKey, kid: string) => ({
      ...(await exportJWK(key)),
      kid,
      use: 'sig',
    });
    const published = { keys: [await jwk(pair.publicKey, 'one')], down: false };
    const http = await startHttp(() => ({
      status: published.down ? 500 : 200,
      body: JSON.stringify({ keys: published.keys }),
    }));
    onTestFinished(() => http.close());
    const sign = (kid: 'one' | 'two') =>
      new SignJWT({ sdk_keys: [KEY] })
        .setProtectedHeader({ alg: kid === 'one' ? 'RS256' : 'ES256', kid })
        .setExpirationTime('1h')
        .sign(kid === 'one' ? pair.privateKey : next.privateKey);
    const rotate = async () => {
      published.keys = [await jwk(next.publicKey, 'two')];
    };
    return { http, published, sign, rotate };
  };
  const startWith = (jwksURL: string, clock = realClock) =>
    startDoor({ file: { api: { auth: { jwksURL, jwksUpdateInterval: '30m' } } }, clock });

  it('tokens of an issuer are checked with its keys, also with those that it takes later', async () => {
    let lateMs = 0;
    const { http, sign, rotate } = await issuer();
    const { api } = await startWith(http.url, { ...realClock, nowMs: () => realClock.nowMs() + lateMs });
    const statusFor = async (token: string) =>
      (await api({ path: '/v1/config', headers: bearer(token) })).status;
    const one = await sign('one');
    expect(await statusFor(one)).toBe(200);
    expect(await statusFor(await sign('two'))).toBe(401);
    await rotate();
    const fetches = http.seen.length;
    for (let i = 0; i < 5; i++) expect(await statusFor(await sign('two'))).toBe(401);
    expect(http.seen.length).toBe(fetches);
    lateMs = 10_000;
    expect(await statusFor(await sign('two'))).toBe(200);
    // Its key is gone.
    expect(await statusFor(one)).toBe(401);
  });

  it('tokens of an issuer cannot be forged with a public key as a secret', async () => {
    const { http, published } = await issuer();
    const { api } = await startWith(http.url);
    const secret = Buffer.from(JSON.stringify(published.keys[0])).toString('base64');
    const forged = await new SignJWT({ sdk_keys: [KEY], exp: 9_999_999_999 })
      .setProtectedHeader({ alg: 'HS256', kid: 'one' })
      .sign(Buffer.from(secret, 'base64'));
    expect((await api({ path: '/v1/config', headers: bearer(forged) })).status).toBe(401);
  });

  it('tokens of an issuer are answered with 503 while there are no keys at all, and the keys there are stay when the issuer goes', async () => {
    const { http, published, sign } = await issuer();
    published.down = true;
    const { api, log } = await startWith(http.url, realClock);
    await eventually('the keys could not be fetched', () =>
      log.lines.some(({ event }) => event === 'keys.failed'),
    );
    const answer = await api({ path: '/v1/config', headers: bearer(await sign('one')) });
    expect(answer.status).toBe(503);
    published.down = false;
    const other = await startWith(http.url);
    const headers = bearer(await sign('one'));
    expect((await other.api({ path: '/v1/config', headers })).status).toBe(200);
    published.down = true;
    expect((await other.api({ path: '/v1/config', headers: bearer(await sign('one')) })).status).toBe(200);
  });

  it('tokens of an issuer are not given out here', async () => {
    const { http } = await issuer();
    const { api } = await startWith(http.url);
    expect((await api(tokenRequest)).json().error).toBe('invalid_client');
  });
});
