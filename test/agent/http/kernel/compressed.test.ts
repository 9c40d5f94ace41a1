// Compressed answers: which coding, once per revision, and what caches and clients are told of it.

import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type Coding, codingFor, compressedOf } from '../../../../agent/http/kernel/compressed.ts';
import { sha256Of } from '../../../../core/ids.ts';
import { generateDatafile } from '../../../../infra/local/optimizely/datafile.ts';
import { eventually } from '../../../support/eventually.ts';
import { startAgent } from '../../support/agent.ts';
import { datafileBody, KEY, MemoryRecord } from '../../support/fakes.ts';

const DECOMPRESS: Readonly<Record<Coding, (body: Buffer) => Buffer>> = {
  ...{ br: brotliDecompressSync, zstd: zstdDecompressSync, gzip: gunzipSync },
};

it.each<[string, Coding | null]>([
  ['', null],
  ['gzip', 'gzip'],
  ['gzip, deflate, br, zstd', 'br'],
  ['gzip, zstd', 'zstd'],
  ['gzip;q=1, br;q=0.5', 'gzip'],
  ['GZIP ; Q=0.5', 'gzip'],
  ['gzip;q=0', null],
  ['gzip;q=0.5, identity', null],
  ['gzip, identity', 'gzip'],
  ['deflate, *', null],
  ['br;q=2, gzip', 'gzip'],
  ['br;q=', null],
  [',;,=', null],
])('%j is answered with %j', (acceptEncoding, coding) => {
  expect(codingFor(acceptEncoding)).toBe(coding);
});

/** 240 KB, as the datafiles of large projects. */
const bodyOf = (revision: number): Buffer =>
  Buffer.from(JSON.stringify(generateDatafile({ revision, sdkKey: KEY })));

async function start() {
  const record = new MemoryRecord();
  record.publish(KEY, bodyOf(1));
  const { agent, api } = await startAgent({ record });
  await eventually('the datafile', () => agent.status.ready());
  const port = Number(new URL(api).port);
  const get = (path: string, headers: Record<string, string> = {}, body?: string) =>
    getRaw(port, path, headers, body);
  return { record, api, get };
}

const ROUTES = ['/v1/config', '/v1/datafile', `/datafiles/${KEY}.json`];

describe.each(ROUTES)('%s', (path) => {
  it.each(['br', 'zstd', 'gzip'] as const)('comes as %s where that is asked for', async (coding) => {
    const { get } = await start();
    const plain = await get(path);
    expect(plain.headers['content-encoding']).toBeUndefined();
    for (const time of ['first', 'second']) {
      const { headers, body } = await get(path, { 'accept-encoding': coding });
      expect([time, headers['content-encoding']]).toEqual([time, coding]);
      expect(headers['content-length']).toBe(String(body.byteLength));
      expect(DECOMPRESS[coding](body).equals(plain.body)).toBe(true);
      expect(body.byteLength).toBeLessThan(plain.body.byteLength / 8);
    }
  });

  it('is told apart by caches, and is unchanged for a client that has it in any coding', async () => {
    const { get } = await start();
    const plain = await get(path);
    const packed = await get(path, { 'accept-encoding': 'br' });
    const etag = plain.headers.etag as string;
    expect(packed.headers.etag).toBe(`W/${etag}`);
    for (const { headers } of [plain, packed]) expect(headers.vary).toMatch(/(^|, )Accept-Encoding$/);
    for (const known of [etag, `W/${etag}`])
      for (const accept of ['identity', 'br']) {
        const again = await get(path, { 'if-none-match': known, 'accept-encoding': accept });
        expect([again.status, again.body.byteLength]).toEqual([304, 0]);
        expect(again.headers.vary).toBe(plain.headers.vary);
        expect(again.headers.etag).toBe(accept === 'br' ? packed.headers.etag : etag);
      }
  });

  it('follows a change', async () => {
    const { record, get } = await start();
    const before = await get(path, { 'accept-encoding': 'br' });
    record.publish(KEY, bodyOf(2));
    await eventually('the change', async () => {
      const { status, headers, body } = await get(path, {
        ...{ 'accept-encoding': 'br', 'if-none-match': String(before.headers.etag) },
      });
      return status === 200 && headers.etag !== before.headers.etag && DECOMPRESS.br(body).includes('"2"');
    });
  });
});

it('compresses a body once, also for those who ask at the same time', async () => {
  const body = bodyOf(1);
  const pending = compressedOf(body, 'br');
  expect(compressedOf(body, 'br')).toBe(pending);
  const compressed = await pending;
  expect(compressedOf(body, 'br')).toBe(compressed);
  expect(await compressedOf(bodyOf(1), 'br')).not.toBe(compressed);
});

it('leaves small bodies as they are, with a strong ETag', async () => {
  const { record, get } = await start();
  const small = datafileBody(2);
  record.publish(KEY, small);
  await eventually('the change', async () => (await get('/v1/datafile')).body.equals(small));
  const { headers, body } = await get('/v1/datafile', { 'accept-encoding': 'br, gzip' });
  expect(headers['content-encoding']).toBeUndefined();
  expect(headers.etag).toBe(`"${sha256Of(body)}"`);
});

it('compresses reports of health that are long', async () => {
  const keys = Array.from({ length: 40 }, (_, i) => `OtherKey${i}`);
  const { api } = await startAgent({ env: { OPTIMIZELY_SDKKEYS: keys.join(',') } });
  const get = (path: string, more: Record<string, string>) => getRaw(Number(new URL(api).port), path, more);
  const { headers, body } = await get('/health', { 'accept-encoding': 'gzip' });
  expect(headers['content-encoding']).toBe('gzip');
  expect(JSON.parse(DECOMPRESS.gzip(body).toString()).datafiles).toHaveLength(40);
});

it('compresses what OFREP says of all flags, with the ETag of the flags', async () => {
  const { get } = await start();
  const body = JSON.stringify({ context: { targetingKey: 'u1' } });
  const ask = (coding: string) =>
    get('/ofrep/v1/evaluate/flags', { 'content-type': 'application/json', 'accept-encoding': coding }, body);
  const [plain, packed] = [await ask('identity'), await ask('br')];
  expect(packed.headers['content-encoding']).toBe('br');
  expect(DECOMPRESS.br(packed.body).equals(plain.body)).toBe(true);
  expect(packed.body.byteLength).toBeLessThan(plain.body.byteLength / 10);
  expect(packed.headers.etag).toBe(plain.headers.etag);
  expect(packed.headers.vary).toBe('Origin, Accept-Encoding');
});

it('puts no compressed answer into a batch', async () => {
  const { api } = await start();
  const operation = {
    ...{ method: 'GET', url: '/v1/config', operationID: '1', params: {}, body: {} },
    headers: { 'X-Optimizely-SDK-Key': KEY, 'Accept-Encoding': 'br' },
  };
  const answer = await fetch(`${api}/v1/batch`, {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
    body: JSON.stringify({ operations: [operation] }),
  });
  const { response } = (await answer.json()) as { response: { body: { revision: string } }[] };
  expect(response[0]?.body.revision).toBe('1');
});

interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Unlike fetch(), decompresses nothing and asks for nothing by itself. @param sent makes it a POST */
function getRaw(
  port: number,
  path: string,
  headers: Record<string, string>,
  sent?: string,
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const asked = { 'x-optimizely-sdk-key': KEY, ...headers };
    const method = sent === undefined ? 'GET' : 'POST';
    const request = httpRequest({ host: '127.0.0.1', port, path, method, headers: asked, agent: false });
    request.on('error', reject).on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          ...{ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) },
        }),
      );
    });
    request.end(sent);
  });
}
