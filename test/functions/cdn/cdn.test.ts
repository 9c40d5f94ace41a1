// Fetching over real HTTP: templates, validators, tokens, limits.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { toSdkKey } from '../../../core/ids.ts';
import { createCdn } from '../../../functions/cdn/cdn.ts';
import type { Via } from '../../../functions/ports.ts';

const BYTES_MAX = 1_000;
const TOKEN = 'a-token';
let base = '';
let seen: IncomingMessage[] = [];
let answer: (response: ServerResponse) => void;
const server = createServer((request, response) => {
  seen.push(request);
  answer(response);
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  seen = [];
  answer = (response) => response.writeHead(200, { etag: '"e"' }).end('body');
});

const cdn = () =>
  createCdn(
    { cdn: `${base}/datafiles/%s.json`, origin: `${base}/origin/%s.json`, auth: `${base}/auth/%s.json` },
    BYTES_MAX,
  );
const source = { sdkKey: toSdkKey('a+b/c='), environment: 'production' };
const secure = { ...source, accessToken: TOKEN };
const none = { etag: null, lastModifiedMs: null };
const get = (via: Via = 'cdn', validators = none, of: typeof source = source, timeoutMs = 2_000) =>
  cdn().fetch(of, via, validators, timeoutMs);

describe('a request', () => {
  it('goes to the template of its address, with the SDK key percent-encoded', async () => {
    await get('cdn');
    await get('origin');
    await get('auth', none, secure);
    const key = 'a%2Bb%2Fc%3D';
    expect(seen.map(({ url }) => url)).toEqual([
      `/datafiles/${key}.json`,
      `/origin/${key}.json`,
      `/auth/${key}.json`,
    ]);
  });

  it('carries the access token to the authenticated URL, and to no other', async () => {
    await get('cdn', none, secure);
    await get('origin', none, secure);
    await get('auth', none, secure);
    expect(seen.map(({ headers }) => headers.authorization)).toEqual([
      undefined,
      undefined,
      `Bearer ${TOKEN}`,
    ]);
    expect(cdn().viasOf(secure)).toEqual(['auth']);
    expect(cdn().viasOf(source)).toEqual(['cdn', 'origin']);
  });

  it('a request is conditional by ETag, else by date', async () => {
    const lastModifiedMs = Date.UTC(2024, 0, 2, 3, 4, 5);
    await get('cdn', { etag: '"x"', lastModifiedMs } as never);
    await get('cdn', { etag: null, lastModifiedMs } as never);
    expect(seen[0]?.headers).toMatchObject({ 'if-none-match': '"x"' });
    expect(seen[0]?.headers['if-modified-since']).toBeUndefined();
    expect(seen[1]?.headers['if-modified-since']).toBe('Tue, 02 Jan 2024 03:04:05 GMT');
  });
});

describe('an answer', () => {
  it('an answer is the exact bytes and their validators', async () => {
    const bytes = Buffer.from([0, 255, 10, 195, 40]);
    answer = (response) =>
      response.writeHead(200, { etag: 'W/"e"', 'last-modified': 'Tue, 02 Jan 2024 03:04:05 GMT' }).end(bytes);
    const fetched = await get();
    expect(fetched).toMatchObject({
      kind: 'body',
      validators: { etag: 'W/"e"', lastModifiedMs: Date.UTC(2024, 0, 2, 3, 4, 5) },
    });
    expect(fetched.kind === 'body' && Buffer.from(fetched.body)).toEqual(bytes);
  });

  it('an answer is unchanged for a 304', async () => {
    answer = (response) => response.writeHead(304).end();
    expect(await get()).toEqual({ kind: 'unchanged' });
  });

  it('an answer has no date where the header is missing or nonsense', async () => {
    answer = (response) => response.writeHead(200, { 'last-modified': 'yesterday' }).end('x');
    expect(await get()).toMatchObject({ validators: { etag: null, lastModifiedMs: null } });
  });

  it.each([401, 403, 404])('an answer of %i is a denial', async (status) => {
    answer = (response) => response.writeHead(status).end('<Error/>');
    await expect(get()).rejects.toMatchObject({ code: 'CDN_DENIED', fields: { status } });
  });

  it.each([500, 503, 418, 204])('an answer of %i is a failure', async (status) => {
    answer = (response) => response.writeHead(status).end();
    await expect(get()).rejects.toMatchObject({ code: 'CDN_FAILED', retryable: true });
  });

  it('an answer that redirects is followed, a bounded number of times', async () => {
    answer = (response) => {
      if (seen.length > 1) return void response.end('body');
      response.writeHead(302, { location: `${base}/elsewhere` }).end();
    };
    expect(await get('auth', none, secure)).toMatchObject({ kind: 'body' });
    expect(seen.map(({ url, headers }) => [url, headers.authorization])).toEqual([
      [`/auth/a%2Bb%2Fc%3D.json`, `Bearer ${TOKEN}`],
      ['/elsewhere', `Bearer ${TOKEN}`],
    ]);
    seen = [];
    answer = (response) => response.writeHead(307, { location: '/again' }).end();
    await expect(get()).rejects.toMatchObject({ code: 'CDN_FAILED', cause: { code: 'REDIRECT_REFUSED' } });
    expect(seen).toHaveLength(11);
  });

  it('an answer that does not come in time is a failure', async () => {
    answer = () => {};
    await expect(get('cdn', none, source, 30)).rejects.toMatchObject({ code: 'CDN_FAILED' });
  });

  it('an answer that stops half-way is a failure', async () => {
    answer = (response) => {
      response.writeHead(200, { 'content-length': '100' }).write('half');
      setImmediate(() => response.destroy());
    };
    await expect(get()).rejects.toMatchObject({ code: 'CDN_FAILED' });
  });

  it.each([
    ['as it is', (response: ServerResponse) => response.writeHead(200).end(Buffer.alloc(BYTES_MAX + 1))],
    [
      'when decompressed',
      (response: ServerResponse) =>
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(BYTES_MAX + 1))),
    ],
  ])('an answer with too many bytes %s is refused', async (_, tooLarge) => {
    answer = tooLarge;
    await expect(get()).rejects.toMatchObject({ code: 'DATAFILE_TOO_LARGE', retryable: false });
  });

  it('an answer of exactly the limit is taken', async () => {
    answer = (response) => response.writeHead(200).end(Buffer.alloc(BYTES_MAX));
    expect(await get()).toMatchObject({ kind: 'body' });
  });

  it('leaves no token in an error', async () => {
    answer = (response) => response.writeHead(500).end();
    const error = await get('auth', none, secure).catch((caught: unknown) => caught);
    expect(JSON.stringify(error) + String(error)).not.toContain(TOKEN);
  });
});
