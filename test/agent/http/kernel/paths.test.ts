// Where requests arrive: forms of the target, ends of paths, HEAD, and what is told where no route is. The original's own
// answers, but where a test says otherwise.

import { describe, expect, it } from 'vitest';
import { sendRaw, statusOf } from '../../../support/http/raw-http.ts';
import { startDoor } from '../../support/door.ts';
import { KEY } from '../../support/fakes.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const NO_KEY = { 'x-optimizely-sdk-key': '' };

describe('a target with scheme and host, as clients of proxies send it', () => {
  const get = (port: number, target: string, host = 'localhost') =>
    sendRaw(port, [
      `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nX-Optimizely-SDK-Key: ${KEY}\r\nConnection: close\r\n\r\n`,
    ]);

  it('a target with scheme and host is routed by its path', async () => {
    const { apiPort, adminPort } = await startDoor();
    const found = await get(apiPort, 'http://localhost:8080/v1/config?a=b');
    expect(statusOf(found)).toBe(200);
    expect(found).toContain(`"sdkKey":"${KEY}"`);
    expect(statusOf(await get(apiPort, 'http://localhost/nowhere'))).toBe(404);
    expect(statusOf(await get(apiPort, 'http://localhost'))).toBe(200);
    expect(await get(apiPort, `http://localhost/datafiles/${KEY}.json`)).toContain('"revision":"1"');
    expect(statusOf(await get(adminPort, 'http://localhost/info'))).toBe(200);
  });

  it('a target with scheme and host is allowed or not by its own host, which counts before the header', async () => {
    const { apiPort } = await startDoor();
    expect(statusOf(await get(apiPort, 'http://localhost/v1/config', 'evil.example'))).toBe(200);
    expect(await get(apiPort, 'http://evil.example/v1/config', 'localhost')).toContain(
      'invalid request host',
    );
  });

  it('OPTIONS of the server as a whole is answered', async () => {
    const { apiPort } = await startDoor();
    const options = 'OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
    expect(statusOf(await sendRaw(apiPort, [options]))).toBe(200);
    expect(statusOf(await sendRaw(apiPort, [options.replace('OPTIONS', 'GET')]))).toBe(404);
  });
});

describe('the first page', () => {
  it('the first page is there, also for load balancers, and without a token', async () => {
    const auth = { hmacSecrets: ['QPtUGP/RqaXRltZf1QE1KxlF2Iuo09J0buZ3UNKeIr0='], ttl: '30m' };
    const { api } = await startDoor({ file: { version: '<b>1&2</b>', api: { auth } } });
    const page = await api({ path: '/', headers: NO_KEY });
    expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.text).toContain('agent &lt;b&gt;1&amp;2&lt;/b&gt;');
    for (const [, path = ''] of page.text.matchAll(/href="(\/[^"]*)"/g))
      expect((await api({ path })).status, path).toBe(200);
  });

  it('gives way to health where operators have put that', async () => {
    const { api } = await startDoor({ env: { OPTIMIZELY_SERVER_HEALTHCHECKPATH: '/' } });
    expect((await api({ path: '/' })).json()).toMatchObject({ status: 'ok' });
  });
});

describe('HEAD', () => {
  it.each(['/', '/health', '/health/live', '/health/ready', `/datafiles/${KEY}.json`, '/openapi.json'])(
    'of %s is GET without its body',
    async (path) => {
      const { api } = await startDoor();
      const [head, get] = [await api({ path, method: 'HEAD' }), await api({ path })];
      expect([head.status, head.text]).toEqual([200, '']);
      for (const name of ['content-type', 'etag']) expect(head.headers[name]).toBe(get.headers[name]);
      expect(Number(head.headers['content-length'])).toBeGreaterThan(0);
    },
  );

  it('HEAD is answered on the admin port for health alone', async () => {
    const { admin } = await startDoor();
    const head = (path: string) => admin({ path, method: 'HEAD' });
    expect((await head('/health')).status).toBe(200);
    for (const path of ['/info', '/config', '/metrics']) {
      const { status, headers } = await head(path);
      expect([status, headers.allow], path).toEqual([405, 'GET']);
    }
    expect((await head('/nowhere')).status).toBe(404);
  });

  it('HEAD is 304 for a datafile that has not changed', async () => {
    const { api } = await startDoor();
    const path = `/datafiles/${KEY}.json`;
    const { etag = '' } = (await api({ path, method: 'HEAD' })).headers;
    expect((await api({ path, method: 'HEAD', headers: { 'if-none-match': etag } })).status).toBe(304);
  });

  it('HEAD is refused below /v1, where some answers have no end', async () => {
    const { api } = await startDoor();
    for (const path of ['/v1/config', '/v1/datafile', '/v1/datafile/stream', '/v1/decide'])
      expect((await api({ path, method: 'HEAD' })).status, path).toBe(405);
    expect((await api({ path: '/v1/config', method: 'HEAD' })).headers.allow).toBe('GET');
  });
});

describe('a path below /v1 that is not there', () => {
  it.each([
    ['GET', '/v1/nope', 404],
    ['POST', '/v1/nope', 404],
    ['GET', '/v1', 404],
    ['GET', '/v1/', 404],
    ['GET', '/v1/decide', 405],
    ['PUT', '/v1/decide', 405],
    ['GET', '/v1/batch', 404],
  ])('%s %s is told when the SDK key is good, else that it is not', async (method, path, status) => {
    const { api } = await startDoor();
    expect((await api({ path, method })).status).toBe(status);
    const keyless = await api({ path, method, headers: NO_KEY });
    expect([keyless.status, keyless.json()]).toEqual([
      400,
      { error: 'missing required X-Optimizely-SDK-Key header' },
    ]);
    const unknown = await api({ path, method, headers: { 'x-optimizely-sdk-key': 'UnknownKey' } });
    expect(unknown.status).toBe(403);
  });

  it('a path below /v1 that is not there is refused before that where its escapes are broken, as everywhere', async () => {
    const { api, admin } = await startDoor();
    for (const path of ['/%zz', '/v1/%4'])
      for (const port of [api, admin])
        expect((await port({ path, method: 'POST', headers: NO_KEY })).text).toBe('400 Bad Request');
    const named = await api({ path: '/%zz', headers: { 'x-request-id': 'mine' } });
    expect([named.status, named.headers['x-request-id']]).toEqual([400, 'mine']);
  });

  it('elsewhere needs no key', async () => {
    const { api } = await startDoor();
    for (const path of ['/v1x', '/nowhere']) expect((await api({ path, headers: NO_KEY })).status).toBe(404);
  });
});

describe('what is there for one method', () => {
  it.each([
    ['/health', 'POST'],
    ['/health/ready', 'PUT'],
    ['/oauth/token', 'GET'],
    ['/oauth/token', 'OPTIONS'],
  ])('is not there for another where the original says so: %s, %s', async (path, method) => {
    const { api } = await startDoor();
    const answer = await api({ path, method, headers: NO_KEY });
    expect([answer.status, answer.text]).toEqual([404, '404 page not found\n']);
  });

  it('is told of on the admin port, with whose the answer is', async () => {
    const { admin } = await startDoor();
    for (const [path, method, status, allow] of [
      ['/oauth/token', 'GET', 405, 'POST'],
      ['/config', 'POST', 405, 'GET'],
      ['/health', 'POST', 404, undefined],
      ['/nowhere', 'GET', 404, undefined],
    ] as const) {
      const { status: told, headers } = await admin({ path, method });
      expect([told, headers.allow], path).toEqual([status, allow]);
      expect(headers['app-name'], path).toBe('optimizely');
    }
  });
});

describe('a path that ends in /index.html', () => {
  it.each(['GET', 'HEAD', 'POST'])('leads to its folder with the method %s', async (method) => {
    const { api } = await startDoor();
    for (const [path, location] of [
      ['/index.html', './'],
      ['/any/where/index.html?a=b', './?a=b'],
    ] as const) {
      const answer = await api({ path, method, headers: NO_KEY });
      expect([answer.status, answer.headers.location]).toEqual([301, location]);
    }
    expect((await api({ path: '/v1/index.html', method })).status).toBe(404);
  });
});

describe('an error', () => {
  it('an error is not to be taken for a page by browsers', async () => {
    const { api, admin } = await startDoor();
    const wrong = [
      ...[api({ path: '/nowhere' }), api({ path: '/v1/nope' }), api({ path: '/v1/config', headers: NO_KEY })],
      ...[api({ path: '/v1/notifications/event-stream' }), admin({ path: '/nowhere' })],
      ...[api({ path: '/v1/config', headers: { host: 'evil.example' } })],
      api({ path: '/v1/batch', method: 'POST', headers: JSON_TYPE, body: 'x' }),
    ];
    for (const { status, headers } of await Promise.all(wrong)) {
      expect(status).toBeGreaterThanOrEqual(400);
      expect(headers['x-content-type-options']).toBe('nosniff');
    }
    expect((await api({ path: '/v1/config' })).headers).not.toHaveProperty('x-content-type-options');
  });
});

describe('a batch', () => {
  const batch = (path: string, body: string) => ({ path, method: 'POST', headers: JSON_TYPE, body });

  it.each(['/v1/batch', '/batch', '/BATCH', '/any/where/Batch', '/v1/batch?a=b'])(
    'is at %s',
    async (path) => {
      const { api } = await startDoor();
      const answer = await api(batch(path, '{"operations":[]}'));
      expect([answer.status, answer.json()]).toEqual([200, expect.objectContaining({ response: [] })]);
    },
  );

  it.each(['/xbatch', '/batch/', '/batches'])('a batch is not at %s', async (path) => {
    const { api } = await startDoor();
    expect((await api(batch(path, '{"operations":[]}'))).status).toBe(404);
  });
});
