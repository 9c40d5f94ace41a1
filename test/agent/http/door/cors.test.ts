import { describe, expect, it } from 'vitest';
import { startDoor } from '../../support/door.ts';
import { KEY } from '../../support/fakes.ts';

const PAGE = 'https://shop.example';
/** The routes asked for here also answer compressed. */
const VARY = 'Origin, Accept-Encoding';

/** Only what CORS is about. */
const corsOf = (headers: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => /^(access-control-|vary$)/.test(name)));

describe('CORS as it is set from the start', () => {
  it('lets pages read, and says so only to them', async () => {
    const { api } = await startDoor();
    const answer = await api({ path: '/v1/config', headers: { origin: PAGE } });
    // Caches are told even so: operators may narrow it while answers are kept.
    expect(corsOf(answer.headers)).toEqual({
      ...{ 'access-control-allow-origin': '*', vary: VARY },
    });
    expect(corsOf((await api({ path: '/v1/config' })).headers)).toEqual({ vary: VARY });
  });

  it('answers questions beforehand', async () => {
    const { api } = await startDoor();
    const preflight = (headers: Record<string, string>) =>
      api({ path: '/v1/decide', method: 'OPTIONS', headers: { origin: PAGE, ...headers } });
    const yes = await preflight({
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'Content-Type, origin',
    });
    expect(yes.status).toBe(200);
    expect(corsOf(yes.headers)).toEqual({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'Content-Type, Origin',
      'access-control-max-age': '300',
      vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    });
    for (const asked of [
      { 'access-control-request-method': 'DELETE' },
      { 'access-control-request-method': 'POST', 'access-control-request-headers': 'X-Secret' },
    ])
      expect((await preflight(asked)).headers).not.toHaveProperty('access-control-allow-origin');
    const withoutPage = await api({
      ...{ path: '/v1/config', method: 'OPTIONS', headers: { 'access-control-request-method': 'GET' } },
    });
    expect([withoutPage.status, corsOf(withoutPage.headers)]).toEqual([200, { vary: yes.headers.vary }]);
    // Not a question of a browser's.
    expect((await preflight({})).status).toBe(405);
    // Nor when it names no method.
    expect((await preflight({ 'access-control-request-method': '' })).status).toBe(405);
  });

  it('names the request in the answer to a question beforehand, as in any other', async () => {
    const { api } = await startDoor();
    const ask = (headers: Record<string, string>) =>
      api({
        ...{ path: '/v1/decide', method: 'OPTIONS' },
        headers: { origin: PAGE, 'access-control-request-method': 'POST', ...headers },
      });
    expect((await ask({ 'x-request-id': 'mine' })).headers['x-request-id']).toBe('mine');
    expect((await ask({})).headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('CORS as it is set from the start is not for the admin port', async () => {
    const { admin } = await startDoor();
    expect(corsOf((await admin({ path: '/info', headers: { origin: PAGE } })).headers)).toEqual({});
  });
});

describe('CORS of routes that the original does not have, as it is set from the start', () => {
  const DATAFILE = `/datafiles/${KEY}.json`;
  const preflight = async (path: string, method: string, asked: string, door = startDoor()) => {
    const { api } = await door;
    const { headers } = await api({
      ...{ path, method: 'OPTIONS' },
      headers: {
        ...{ origin: PAGE, 'access-control-request-method': method },
        'access-control-request-headers': asked,
      },
    });
    return headers['access-control-allow-headers'];
  };
  const ALL = '/ofrep/v1/evaluate/flags';

  it.each([
    [DATAFILE, 'GET', 'if-modified-since'],
    [DATAFILE, 'GET', 'if-none-match,authorization'],
    [ALL, 'POST', 'authorization,content-type,if-none-match,x-api-key,x-optimizely-sdk-key'],
    [`${ALL}/flag_1`, 'POST', 'content-type,x-api-key'],
  ])('%s lets pages send by %s %s', async (path, method, asked) => {
    expect(await preflight(path, method, asked)).toBe(
      asked.replaceAll(',', ', ').replace(/\b[a-z]/g, (start) => start.toUpperCase()),
    );
  });

  it.each([
    [DATAFILE, 'GET', 'x-api-key'],
    [ALL, 'POST', 'x-secret'],
    ['/v1/datafile', 'GET', 'if-none-match'],
    ['/v1/decide', 'POST', 'x-optimizely-sdk-key'],
  ])('%s lets them not send by %s %s', async (path, method, asked) => {
    expect(await preflight(path, method, asked)).toBeUndefined();
  });

  it('lets pages read the ETag and which datafile it was', async () => {
    const { api } = await startDoor();
    const exposed = async (path: string, method: string) =>
      (await api({ path, method, headers: { origin: PAGE } })).headers['access-control-expose-headers'];
    const ofDatafile = 'X-Datafile-Revision, X-Datafile-Seq, X-Datafile-Lineage';
    expect(await exposed(DATAFILE, 'GET')).toBe(`ETag, ${ofDatafile}`);
    expect(await exposed(ALL, 'POST')).toBe(`ETag, Retry-After, ${ofDatafile}`);
    expect(await exposed('/v1/datafile', 'GET')).toBeUndefined();
  });

  it('goes by what the operator chose instead, headers and origins', async () => {
    const chosen = () =>
      startDoor({
        file: { api: { cors: { allowedOrigins: ['https://a.example'], allowedHeaders: ['X-Own'] } } },
      });
    expect(await preflight(DATAFILE, 'GET', 'if-modified-since', chosen())).toBeUndefined();
    const { api } = await chosen();
    const at = async (origin: string) => corsOf((await api({ path: DATAFILE, headers: { origin } })).headers);
    expect(await at(PAGE)).toEqual({ vary: VARY });
    expect(await at('https://a.example')).toMatchObject({
      ...{ 'access-control-allow-origin': 'https://a.example', vary: VARY },
    });
  });
});

describe('CORS with credentials for all origins', () => {
  it('names no page: any could act as the user, where browsers refuse the asterisk', async () => {
    const { api } = await startDoor({ file: { api: { cors: { allowedCredentials: true } } } });
    const headers = { origin: 'https://evil.example' };
    const allowed = { 'access-control-allow-origin': '*', 'access-control-allow-credentials': 'true' };
    expect(corsOf((await api({ path: '/v1/config', headers })).headers)).toEqual({
      ...allowed,
      vary: VARY,
    });
    const asked = { ...headers, 'access-control-request-method': 'GET' };
    const preflight = await api({ path: '/v1/config', method: 'OPTIONS', headers: asked });
    expect(corsOf(preflight.headers)).toMatchObject(allowed);
  });
});

describe('CORS with chosen origins', () => {
  const start = () =>
    startDoor({
      file: {
        api: {
          cors: {
            allowedOrigins: [PAGE, 'https://*.trusted.example'],
            allowedMethods: ['GET'],
            allowedHeaders: ['*'],
            exposedHeaders: ['ETag', 'X-Datafile-Seq'],
            allowedCredentials: true,
            maxAge: 0,
          },
        },
      },
    });

  it('names the page that may read, and keeps caches from mixing answers', async () => {
    const { api } = await start();
    for (const origin of [PAGE, 'https://a.trusted.example', 'HTTPS://SHOP.example'])
      expect(corsOf((await api({ path: '/v1/config', headers: { origin } })).headers)).toEqual({
        'access-control-allow-origin': origin,
        'access-control-allow-credentials': 'true',
        'access-control-expose-headers': 'ETag, X-Datafile-Seq',
        vary: VARY,
      });
    for (const origin of ['https://evil.example', 'https://trusted.example', 'https://shop.example.evil'])
      expect(corsOf((await api({ path: '/v1/config', headers: { origin } })).headers)).toEqual({
        vary: VARY,
      });
    expect(corsOf((await api({ path: '/v1/config' })).headers)).toEqual({ vary: VARY });
  });

  it('lets any header through where it shall, and says nothing of age at 0', async () => {
    const { api } = await start();
    const answer = await api({
      path: '/v1/config',
      method: 'OPTIONS',
      headers: {
        origin: PAGE,
        'access-control-request-method': 'get',
        'access-control-request-headers': 'x-anything',
      },
    });
    expect(corsOf(answer.headers)).toEqual({
      'access-control-allow-origin': PAGE,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'GET',
      'access-control-allow-headers': 'X-Anything',
      vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    });
  });
});
