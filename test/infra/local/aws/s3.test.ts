import { request } from 'node:http';
import { Readable } from 'node:stream';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createS3StandIn } from '../../../../infra/local/aws/s3.ts';
import { ObjectStore } from '../../../../infra/local/aws/s3-objects.ts';
import { Part } from '../../../../infra/local/stack/part.ts';
import { freePorts } from '../../../../infra/local/stack/ports.ts';
import { startReaper } from '../../../../infra/local/stack/reaper-client.ts';
import { ensureBucket } from '../../../../infra/local/stack/s3.ts';
import { serveHttp } from '../../../../infra/local/tools/http.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { tempDir } from '../../../support/temp-dir.ts';

const AWS = { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' };
const BUCKET = 'test-bucket';

function clientFor(endpoint: string): S3Client {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const s3 = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials,
  });
  onTestFinished(() => s3.destroy());
  return s3;
}

async function standIn(): Promise<{ url: string; port: number; s3: S3Client }> {
  const server = await serveHttp(createS3StandIn({ clock: new ManualClock() }), 0);
  onTestFinished(() => server.close());
  await ensureBucket(server.url, BUCKET, AWS);
  return { url: server.url, port: server.port, s3: clientFor(server.url) };
}

const object = (text: string) => ({ body: Buffer.from(text), lastModifiedMs: 0, headers: {} });

describe('conditional writes that overlap', () => {
  it('answer 409 when the condition held at the start of the upload and was broken during it', async () => {
    const { port, s3 } = await standIn();
    const slow = slowPut(port, `/${BUCKET}/raced`, { 'if-none-match': '*' });
    await slow.begin();
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'raced', Body: 'quick', IfNoneMatch: '*' }));
    expect(await slow.end()).toEqual({ status: 409, code: 'ConditionalRequestConflict' });
    const read = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'raced' }));
    expect(await read.Body?.transformToString()).toBe('quick');
  });

  it('answer 412 when the condition did not hold at the start either', async () => {
    const { port, s3 } = await standIn();
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'taken', Body: 'first' }));
    const slow = slowPut(port, `/${BUCKET}/taken`, { 'if-none-match': '*' });
    await slow.begin();
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'taken', Body: 'second' }));
    expect(await slow.end()).toEqual({ status: 412, code: 'PreconditionFailed' });
  });

  it('conditional writes that overlap are a conflict too when the object was deleted meanwhile', () => {
    const store = new ObjectStore();
    store.createBucket(BUCKET);
    store.finishWrite(store.beginWrite(BUCKET, 'k', {}), object('one'));
    const etag = store.get(BUCKET, 'k')?.etag;
    const write = store.beginWrite(BUCKET, 'k', { ifMatch: etag });
    store.delete(BUCKET, 'k');
    expect(store.finishWrite(write, object('two'))).toBe('conflict');
    expect(store.get(BUCKET, 'k')).toBeUndefined();
  });

  it('let the unconditional one through', () => {
    const store = new ObjectStore();
    store.createBucket(BUCKET);
    const write = store.beginWrite(BUCKET, 'k', {});
    store.finishWrite(store.beginWrite(BUCKET, 'k', {}), object('one'));
    expect(store.finishWrite(write, object('two'))).toBe('stored');
    expect(store.get(BUCKET, 'k')?.body.toString()).toBe('two');
  });
});

describe('upload bodies', () => {
  it('come in aws-chunked frames with a trailing checksum when the SDK streams', async () => {
    const { s3 } = await standIn();
    const Body = Readable.from([Buffer.from('first '), Buffer.from('second')]);
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'streamed', Body, ContentLength: 12 }));
    const read = await s3.send(
      new GetObjectCommand({ Bucket: BUCKET, Key: 'streamed', ChecksumMode: 'ENABLED' }),
    );
    expect(await read.Body?.transformToString()).toBe('first second');
    expect(read.ChecksumCRC32).toBeDefined();
    expect(read.ContentEncoding).toBeUndefined();
  });

  it('upload bodies are refused when they are not what their checksum says, and nothing is stored', async () => {
    const { url } = await standIn();
    const refused = await fetch(`${url}/${BUCKET}/bad`, {
      method: 'PUT',
      body: 'abc',
      headers: { 'x-amz-checksum-crc32': 'AAAAAA==' },
    });
    expect([refused.status, await refused.text()]).toEqual([
      400,
      expect.stringContaining('<Code>BadDigest</Code>'),
    ]);
    expect((await fetch(`${url}/${BUCKET}/bad`)).status).toBe(404);
  });

  it('upload bodies are refused when their frames end too early', async () => {
    const { url } = await standIn();
    const headers = { 'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' };
    const refused = await fetch(`${url}/${BUCKET}/cut`, { method: 'PUT', body: '5\r\nhel', headers });
    expect(refused.status).toBe(400);
  });
});

describe('what the stand-in does not do', () => {
  it('is refused with NotImplemented and not answered wrongly', async () => {
    const { url } = await standIn();
    for (const [method, path] of [
      ['GET', `/${BUCKET}?versioning`],
      ['POST', `/${BUCKET}?delete`],
      ['POST', `/${BUCKET}/key?uploads`],
    ] as const) {
      const response = await fetch(`${url}${path}`, { method });
      expect([path, response.status]).toEqual([path, 501]);
    }
    const ranged = await fetch(`${url}/${BUCKET}/key`, {
      method: 'PUT',
      headers: { 'if-none-match': '"etag"' },
    });
    expect(ranged.status).toBe(501);
  });
});

describe('a stand-in with a folder', () => {
  it('comes back with its objects after SIGKILL, as its own process', async () => {
    const dir = await tempDir();
    const reaper = startReaper();
    onTestFinished(() => reaper.close());
    const port = await freePorts(Math.random).next();
    const entry = new URL('../../../../infra/local/tools/serve.ts', import.meta.url).pathname;
    const args = [entry, 's3', JSON.stringify({ port, dir })];
    const part = new Part({ name: 's3', command: process.execPath, args, readiness: 'message' }, reaper);
    await part.start();
    onTestFinished(() => part.stop());
    const url = `http://127.0.0.1:${port}`;
    await ensureBucket(url, BUCKET, AWS);
    const key = `datafiles/a%2Fb/${'long/'.repeat(100)}é.json`;
    const { ETag } = await clientFor(url).send(
      new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: '{"a":1}\n' }),
    );
    await part.kill('SIGKILL');
    expect(part.isRunning).toBe(false);
    await part.start();
    const read = await clientFor(url).send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
    expect([await read.Body?.transformToString(), read.ETag]).toEqual(['{"a":1}\n', ETag]);
  });
});

/** A PUT whose body comes later than its headers, so that another can pass it. */
function slowPut(port: number, path: string, conditions: Record<string, string>) {
  const headers = { ...conditions, 'content-length': '4', expect: '100-continue' };
  const put = request({ host: '127.0.0.1', port, path, method: 'PUT', headers });
  const answered = new Promise<{ status: number; code: string }>((resolve, reject) => {
    put.once('error', reject);
    put.once('response', async (response) => {
      let text = '';
      for await (const chunk of response) text += chunk;
      resolve({ status: response.statusCode ?? 0, code: /<Code>(\w+)/.exec(text)?.[1] ?? '' });
    });
  });
  return {
    /** Resolves when the stand-in has asked for the body: it has seen the conditions then. */
    begin: () =>
      new Promise<void>((resolve) => {
        put.once('continue', resolve);
        put.flushHeaders();
      }),
    end: () => {
      put.end('slow');
      return answered;
    },
  };
}
