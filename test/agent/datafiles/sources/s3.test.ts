import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { S3Reader } from '../../../../agent/datafiles/sources/s3.ts';
import { DATAFILE_BYTES_MAX } from '../../../../core/datafile/datafile.ts';
import { encodeManifest } from '../../../../core/record/manifest-codec.ts';
import { bodyKey, manifestKey } from '../../../../core/record/names.ts';
import { createS3StandIn } from '../../../../infra/local/aws/s3.ts';
import { ensureBucket } from '../../../../infra/local/stack/s3.ts';
import { type HttpServer, serveHttp } from '../../../../infra/local/tools/http.ts';
import { objectsOf } from '../../../../io/s3.ts';
import { datafileBody, datafileOf, KEY, MemoryRecord, OTHER_KEY, realClock } from '../../support/fakes.ts';

const BUCKET = 'reader-test';
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
const env = { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local', AWS_REGION: 'us-east-1' };

let server: HttpServer;
let writer: S3Client;
let reader: S3Reader;
beforeAll(async () => {
  Object.assign(process.env, env);
  server = await serveHttp(createS3StandIn({ clock: realClock }), 0);
  const endpoint = server.url;
  await ensureBucket(endpoint, BUCKET, env);
  writer = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
  reader = new S3Reader({ bucket: BUCKET, endpoint, region: 'us-east-1' });
});
afterAll(async () => {
  reader.close();
  writer.destroy();
  await server.close();
});

const put = (Key: string, Body: Uint8Array) =>
  writer.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body }));

describe('the S3 reader', () => {
  it('says that there is no manifest', async () => {
    expect(await reader.readManifest(OTHER_KEY, null)).toEqual({ kind: 'absent' });
  });

  it('reads a manifest and its body, also of a key with odd characters', async () => {
    const body = datafileBody(3, { sdkKey: OTHER_KEY });
    const manifest = new MemoryRecord().publish(OTHER_KEY, body);
    await put(manifest.bodyKey, body);
    await put(manifestKey(OTHER_KEY), encodeManifest(manifest));
    expect(await reader.readManifest(OTHER_KEY, null)).toMatchObject({ kind: 'manifest', manifest });
    expect(Buffer.from(await reader.readBody(OTHER_KEY, manifest.sha256)).equals(body)).toBe(true);
  });

  it('the S3 reader is told that a manifest is unchanged, until it changes', async () => {
    const record = new MemoryRecord();
    await put(manifestKey(KEY), encodeManifest(record.publish(KEY, datafileBody(1))));
    const first = await reader.readManifest(KEY, null);
    if (first.kind !== 'manifest') throw new Error(`not a manifest but ${first.kind}`);
    expect(await reader.readManifest(KEY, first.etag)).toEqual({ kind: 'unchanged' });
    await put(manifestKey(KEY), encodeManifest(record.publish(KEY, datafileBody(2))));
    expect(await reader.readManifest(KEY, first.etag)).toMatchObject({
      kind: 'manifest',
      manifest: { seq: 2 },
    });
  });

  it('refuses a manifest that is none, and names a body that is missing', async () => {
    await put(manifestKey(KEY), Buffer.from('{"schema":1}'));
    await expect(reader.readManifest(KEY, null)).rejects.toMatchObject({ code: 'MANIFEST_INVALID' });
    const { sha256 } = datafileOf(99);
    await expect(reader.readBody(KEY, sha256)).rejects.toMatchObject({ code: 'BODY_MISSING' });
    await put(bodyKey(KEY, sha256), datafileOf(99).body);
    expect(await reader.readBody(KEY, sha256)).toHaveLength(datafileOf(99).body.byteLength);
  });

  it('takes for another body what is too large to be one', async () => {
    const { sha256 } = datafileOf(98);
    await put(bodyKey(KEY, sha256), Buffer.alloc(DATAFILE_BYTES_MAX + 1, 'x'));
    await expect(reader.readBody(KEY, sha256)).rejects.toMatchObject({ code: 'BODY_CORRUPT' });
  });

  it('takes a body for missing where it may not list the bucket', async () => {
    const error = Object.assign(new Error('no'), {
      name: 'AccessDenied',
      $metadata: { httpStatusCode: 403 },
    });
    const client = { send: () => Promise.reject(error), destroy: () => {} };
    const settings = { bucket: BUCKET };
    const refused = new S3Reader(settings, async () => objectsOf(settings, client as unknown as S3Client));
    await expect(refused.readBody(KEY, datafileOf(1).sha256)).rejects.toMatchObject({ code: 'BODY_MISSING' });
    await expect(refused.readManifest(KEY, null)).rejects.toMatchObject({ code: 'RECORD_UNAVAILABLE' });
  });

  it.each([
    ['a bucket that is not there', { bucket: 'absent', endpoint: () => server.url }],
    ['an S3 that is not there', { bucket: BUCKET, endpoint: () => 'http://127.0.0.1:1' }],
  ])('says that the record is unavailable for %s', async (_, { bucket, endpoint }) => {
    const other = new S3Reader({ bucket, endpoint: endpoint(), region: 'us-east-1' });
    await expect(other.readManifest(KEY, null)).rejects.toMatchObject({ code: 'RECORD_UNAVAILABLE' });
    other.close();
  });

  it('the S3 reader may be closed before it was ever used', () => {
    new S3Reader({ bucket: BUCKET }).close();
  });
});
