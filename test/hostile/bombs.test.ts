// Answers without end and bodies that unpack to a gigabyte, from every service that is read: reading stops at the
// limit, and memory stays flat. All over real HTTP, as lengths and encodings are the transport's.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { CdnSource } from '../../agent/datafiles/sources/cdn.ts';
import { S3Reader } from '../../agent/datafiles/sources/s3.ts';
import { IssuerKeys } from '../../agent/http/auth/issuer-keys.ts';
import { createRequester } from '../../agent/services/requester.ts';
import { decodeBody, type EnvelopeHead } from '../../core/bus/envelope.ts';
import { sha256Of } from '../../core/ids.ts';
import { createCdn } from '../../functions/cdn/cdn.ts';
import { createBucket } from '../../functions/record/bucket.ts';
import { systemClock } from '../../infra/local/tools/clock.ts';
import { KEY } from '../support/datafiles.ts';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
/** Everything that a limit lets through once is 10 MiB; garbage may pile up a few times that. */
const GROWTH_MAX = 200 * MIB;

/** A gigabyte of zeros: gzip allows any number of members in a row. */
const GZIP_MEMBER = gzipSync(Buffer.alloc(16 * MIB));
const gzipBomb = Buffer.concat(Array.from({ length: GIB / (16 * MIB) }, () => GZIP_MEMBER));
const brotliBomb = brotliCompressSync(Buffer.alloc(256 * MIB), {
  params: { [constants.BROTLI_PARAM_QUALITY]: 1 },
});

let answer: (response: ServerResponse) => void;
let sent = 0;
const server = createServer((_request: IncomingMessage, response) => answer(response));
let base = '';

beforeAll(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'local');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'local');
  vi.stubEnv('AWS_REGION', 'us-east-1');
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  vi.unstubAllEnvs();
});

/** As much as the reader takes, and no length said. */
const endless =
  (status = 200) =>
  (response: ServerResponse): void => {
    sent = 0;
    const zeros = Buffer.alloc(MIB);
    const source = new Readable({
      read() {
        sent += zeros.byteLength;
        this.push(sent > GIB ? null : zeros);
      },
    });
    response.writeHead(status, { 'content-type': 'application/json', etag: '"e"' });
    source.pipe(response);
    response.once('close', () => source.destroy());
  };
const packed = (encoding: string, body: Buffer) => (response: ServerResponse) =>
  response.writeHead(200, { 'content-encoding': encoding }).end(body);

/** The error, and what memory grew by meanwhile. */
async function failureOf(read: () => Promise<unknown>): Promise<unknown> {
  const before = process.memoryUsage().rss;
  const caught = await read().then(
    () => null,
    (error: unknown) => error,
  );
  expect(process.memoryUsage().rss - before).toBeLessThan(GROWTH_MAX);
  return caught;
}

const source = { sdkKey: KEY, environment: 'e' };
const none = { etag: null, lastModifiedMs: null };
const fromCdn = () => {
  const template = `${base}/%s.json`;
  return createCdn({ cdn: template, origin: template, auth: template }).fetch(source, 'cdn', none, 10_000);
};
const fromAgentCdn = async (): Promise<unknown> => {
  const failures: unknown[] = [];
  const sink = {
    offer: async () => ({ kind: 'accepted' }) as const,
    confirm: () => {},
    failed: (_name: string, _key: unknown, error: unknown) => void failures.push(error),
  };
  const template = `${base}/%s.json`;
  const cdn = new CdnSource(sink as never, {
    ...{ clock: systemClock, random: () => 0, urlTemplate: template, authUrlTemplate: template },
    ...{ pollIntervalMs: 60_000, tokenOf: () => null },
  });
  await cdn.watch(KEY);
  await cdn.stop();
  throw failures[0];
};

describe('the CDN', () => {
  it.each([
    ['a gigabyte in gzip', packed('gzip', gzipBomb)],
    ['a quarter of one in brotli', packed('br', brotliBomb)],
    ['an endless body', endless()],
  ])('the CDN may send %s: neither functions nor agents read more than a datafile', async (_, send) => {
    answer = send;
    expect(await failureOf(fromCdn)).toMatchObject({ code: 'DATAFILE_TOO_LARGE' });
    expect(await failureOf(fromAgentCdn)).toMatchObject({
      code: 'CDN_FAILED',
      message: expect.stringContaining('more than 10485760 bytes'),
    });
  });
});

describe('S3', () => {
  const bucket = () => createBucket({ bucket: 'b', endpoint: base });
  const reader = () => new S3Reader({ bucket: 'b', endpoint: base, region: 'us-east-1' });
  const sha256 = sha256Of(new Uint8Array(1));

  it('S3 may send an endless manifest or body: reading stops at its limit', async () => {
    answer = endless();
    const expected = {
      code: 'RECORD_UNAVAILABLE',
      message: expect.stringContaining('more than 65536 bytes'),
    };
    expect(await failureOf(() => bucket().readManifest(KEY))).toMatchObject(expected);
    expect(await failureOf(() => reader().readManifest(KEY, null))).toMatchObject(expected);
    expect(sent).toBeLessThan(64 * MIB);
    const ofBody = { ...expected, message: expect.stringContaining('more than 10485760 bytes') };
    expect(await failureOf(() => bucket().readBody(KEY, sha256))).toMatchObject(ofBody);
    // To an agent it is the version's fault, so that it serves an earlier one.
    const ofVersion = { ...ofBody, code: 'BODY_CORRUPT' };
    expect(await failureOf(() => reader().readBody(KEY, sha256))).toMatchObject(ofVersion);
    expect(sent).toBeLessThan(128 * MIB);
  });

  it('S3 may send an endless error: that is not read either', async () => {
    answer = endless(500);
    const expected = { code: 'RECORD_UNAVAILABLE' };
    expect(await failureOf(() => bucket().readManifest(KEY))).toMatchObject(expected);
    expect(sent).toBeLessThan(64 * MIB);
    expect(await failureOf(() => bucket().putBody(KEY, sha256, new Uint8Array(1)))).toMatchObject(expected);
    expect(sent).toBeLessThan(64 * MIB);
    expect(await failureOf(() => reader().readManifest(KEY, null))).toMatchObject(expected);
    expect(sent).toBeLessThan(64 * MIB);
  });

  it('S3 may pack a body: it is not unpacked, and its hash is not right', async () => {
    answer = packed('gzip', gzipBomb);
    expect(await failureOf(() => bucket().readBody(KEY, sha256))).toMatchObject({ code: 'BODY_CORRUPT' });
    expect((await reader().readBody(KEY, sha256)).byteLength).toBe(gzipBomb.byteLength);
  });
});

describe('the bus', () => {
  const head = { encoding: 'br', bytes: 1_000, sha256: sha256Of(new Uint8Array(1)) } as EnvelopeHead;

  it('the bus may send a bomb: it is unpacked to its announced size at most, and nothing in place of a body', async () => {
    const bomb = async () => decodeBody(head, brotliBomb);
    expect(await failureOf(bomb)).toMatchObject({ code: 'BODY_CORRUPT' });
    const plain = async () => decodeBody({ ...head, encoding: 'identity' }, Buffer.alloc(10 * MIB));
    expect(await failureOf(plain)).toMatchObject({ code: 'BODY_CORRUPT' });
  });
});

describe('other services', () => {
  it('other services may answer without end: the agent reads a megabyte at most', async () => {
    answer = endless();
    const requester = createRequester(systemClock);
    const ask = () => requester.ask('A service', base, { method: 'GET', timeoutMs: 10_000 });
    expect(await failureOf(ask)).toMatchObject({
      message: expect.stringContaining('more than 1048576 bytes'),
    });
    expect(sent).toBeLessThan(64 * MIB);
    requester.close();
  });

  it.each([
    ['an endless list of keys', endless()],
    ['one that unpacks to a gigabyte', packed('gzip', gzipBomb)],
  ])('other services that issue tokens may send %s', async (_, send) => {
    answer = send;
    const lines: object[] = [];
    const log = {
      info: () => {},
      error: () => {},
      warn: (_event: string, fields = {}) => void lines.push(fields),
    };
    const keys = new IssuerKeys({ url: base, updateIntervalMs: 60_000, clock: systemClock, log });
    expect(
      await failureOf(async () => expect(await keys.with('none', async () => 'some')).toBe('none')),
    ).toBeNull();
    keys.stop();
    expect(lines).toEqual([{ error: 'more than 1048576 bytes', kept: false }]);
  });
});
