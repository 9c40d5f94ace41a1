// The record over the real AWS SDK, against the local S3: conditional writes, and what each of S3's answers becomes.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseDatafile } from '../../../core/datafile/datafile.ts';
import { type ChangeId, type Lineage, sha256Of, toSdkKey } from '../../../core/ids.ts';
import { advance, createManifest, type Manifest } from '../../../core/record/manifest.ts';
import { bodyKey, manifestKey } from '../../../core/record/names.ts';
import type { DatafileRecord } from '../../../functions/ports.ts';
import { createBucket } from '../../../functions/record/bucket.ts';
import { createS3StandIn } from '../../../infra/local/aws/s3.ts';
import { systemClock } from '../../../infra/local/tools/clock.ts';
import { type HttpServer, serveHttp } from '../../../infra/local/tools/http.ts';
import { datafileOf } from '../../support/datafiles.ts';

const BUCKET = 'fanout';
let s3: HttpServer;
let raw: S3Client;
let record: DatafileRecord;
let keys = 0;

beforeAll(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'local');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'local');
  vi.stubEnv('AWS_REGION', 'us-east-1');
  s3 = await serveHttp(createS3StandIn({ clock: systemClock }), 0);
  raw = new S3Client({ endpoint: s3.url, forcePathStyle: true });
  await raw.send(new CreateBucketCommand({ Bucket: BUCKET }));
  record = createBucket({ bucket: BUCKET, endpoint: s3.url });
});
afterAll(async () => {
  raw.destroy();
  await s3.close();
  vi.unstubAllEnvs();
});

const newKey = () => toSdkKey(`Key+/=${++keys}`);
const arrival = {
  cause: 'import',
  changeId: 'c' as ChangeId,
  receivedAtMs: 1,
  publishedAtMs: 2,
  cdn: { etag: '"x"', lastModifiedMs: 3 },
} as const;
const datafileFor = (sdkKey: ReturnType<typeof newKey>, revision = 1) =>
  parseDatafile(datafileOf(revision, { sdkKey }), { sdkKey });
const manifestFor = (sdkKey: ReturnType<typeof newKey>): Manifest =>
  createManifest(datafileFor(sdkKey), arrival, 'l' as Lineage);
const nextOf = (manifest: Manifest, revision: number): Manifest => {
  const move = advance(manifest, datafileFor(manifest.sdkKey, revision), arrival);
  if (!('manifest' in move)) throw new Error('expected a move');
  return move.manifest;
};

describe('a manifest', () => {
  it('a manifest is null before there is one, then what was swapped in, byte for byte', async () => {
    const sdkKey = newKey();
    expect(await record.readManifest(sdkKey)).toBeNull();
    const manifest = manifestFor(sdkKey);
    const swapped = await record.swapManifest(manifest, null);
    expect(await record.readManifest(sdkKey)).toEqual({
      manifest,
      etag: swapped !== 'conflict' && swapped.etag,
    });
  });

  it('a manifest is created once, and swapped only by who names its ETag', async () => {
    const sdkKey = newKey();
    const first = manifestFor(sdkKey);
    const created = await record.swapManifest(first, null);
    if (created === 'conflict') throw new Error('expected to be first');
    expect(await record.swapManifest(first, null)).toBe('conflict');
    expect(await record.swapManifest(nextOf(first, 2), '"another"')).toBe('conflict');
    expect(await record.swapManifest(nextOf(first, 2), created.etag)).not.toBe('conflict');
    expect(await record.swapManifest(nextOf(first, 3), created.etag)).toBe('conflict');
    expect((await record.readManifest(sdkKey))?.manifest).toMatchObject({ seq: 2, revision: 2 });
  });

  it('a manifest that is gone meanwhile is a conflict, not an error', async () => {
    expect(await record.swapManifest(manifestFor(newKey()), '"gone"')).toBe('conflict');
  });

  it('a manifest has one winner of twenty racing swaps', async () => {
    const first = manifestFor(newKey());
    const created = await record.swapManifest(first, null);
    const etag = created === 'conflict' ? '' : created.etag;
    const race = Array.from({ length: 20 }, (_, i) => record.swapManifest(nextOf(first, i + 2), etag));
    const outcomes = await Promise.all(race);
    expect(outcomes.filter((outcome) => outcome !== 'conflict')).toHaveLength(1);
  });

  it('a manifest that was broken from outside is an error with a remedy', async () => {
    const sdkKey = newKey();
    await raw.send(new PutObjectCommand({ Bucket: BUCKET, Key: manifestKey(sdkKey), Body: '{"schema":1}' }));
    await expect(record.readManifest(sdkKey)).rejects.toMatchObject({ code: 'MANIFEST_INVALID' });
  });
});

describe('a body', () => {
  it('a body is written once, and read back exactly', async () => {
    const { sdkKey, sha256, body } = datafileFor(newKey());
    expect(await record.putBody(sdkKey, sha256, body)).toBe('written');
    expect(await record.putBody(sdkKey, sha256, body)).toBe('already-there');
    expect(Buffer.from(await record.readBody(sdkKey, sha256))).toEqual(Buffer.from(body));
  });

  it('a body is written once by twenty writers', async () => {
    const { sdkKey, sha256, body } = datafileFor(newKey());
    const race = Array.from({ length: 20 }, () => record.putBody(sdkKey, sha256, body));
    expect((await Promise.all(race)).filter((outcome) => outcome === 'written')).toHaveLength(1);
  });

  it('a body that is missing, or not what its name says, is an error', async () => {
    const sdkKey = newKey();
    const sha256 = sha256Of(Buffer.from('x'));
    await expect(record.readBody(sdkKey, sha256)).rejects.toMatchObject({ code: 'BODY_MISSING' });
    await raw.send(new PutObjectCommand({ Bucket: BUCKET, Key: bodyKey(sdkKey, sha256), Body: 'y' }));
    await expect(record.readBody(sdkKey, sha256)).rejects.toMatchObject({ code: 'BODY_CORRUPT' });
  });
});

describe('an S3 that', () => {
  const [sdkKey, unavailable] = [newKey(), { code: 'RECORD_UNAVAILABLE', retryable: true }];

  async function expectUnavailable(broken: DatafileRecord): Promise<void> {
    const { sha256, body } = datafileFor(sdkKey);
    const all = await Promise.allSettled([
      broken.readManifest(sdkKey),
      broken.readBody(sdkKey, sha256),
      broken.putBody(sdkKey, sha256, body),
      broken.swapManifest(manifestFor(sdkKey), null),
      broken.swapManifest(manifestFor(sdkKey), '"etag"'),
    ]);
    for (const one of all)
      expect(one.status === 'rejected' ? one.reason : one.value).toMatchObject(unavailable);
  }

  it('an S3 that has no such bucket is never mistaken for one that has no such key', async () => {
    await expectUnavailable(createBucket({ bucket: 'absent', endpoint: s3.url }));
  });

  it('an S3 that cannot be reached is unavailable', async () => {
    await expectUnavailable(createBucket({ bucket: BUCKET, endpoint: 'http://127.0.0.1:1' }));
  });

  it.each([403, 500, 503])(
    'answers %i is unavailable, after the client has tried twice at most',
    async (status) => {
      let requests = 0;
      const server = createServer((request, response) => {
        requests++;
        request.resume();
        response.writeHead(status).end();
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      await expectUnavailable(createBucket({ bucket: BUCKET, endpoint: `http://127.0.0.1:${port}` }));
      expect(requests).toBeLessThanOrEqual(5 * 2);
      server.closeAllConnections();
      server.close();
    },
  );

  it('an S3 that never answers is unavailable in time for a webhook to queue itself', async () => {
    const server = createServer(() => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await expectUnavailable(createBucket({ bucket: BUCKET, endpoint: `http://127.0.0.1:${port}` }));
    server.closeAllConnections();
    server.close();
  });

  it('asks a body to be written again after a 409 gets it', async () => {
    let requests = 0;
    const server = createServer((request, response) => {
      request.resume();
      const status = ++requests < 3 ? 409 : 200;
      response.writeHead(status, { etag: '"e"' }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const { sha256, body } = datafileFor(sdkKey);
    const busy = createBucket({ bucket: BUCKET, endpoint: `http://127.0.0.1:${port}` });
    expect(await busy.putBody(sdkKey, sha256, body)).toBe('written');
    requests = 0;
    expect(await busy.swapManifest(manifestFor(sdkKey), '"e"')).toBe('conflict');
    server.closeAllConnections();
    server.close();
  });
});
