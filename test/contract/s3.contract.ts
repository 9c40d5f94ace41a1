// What this project needs of an S3, as one suite for any of them: the local stand-in in `npm test`, a moto server in
// `npm run verify`, and the store that S3_ENDPOINT names. Uses the real AWS SDK and nothing of the stand-in.

import { createHash, randomBytes, randomUUID } from 'node:crypto';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorOf, expectOneWinner, RACERS, race, s3ClientFor, statusOf } from './s3-calls.ts';

export interface S3Target {
  readonly endpoint: string;
  readonly close: () => Promise<void>;
}

/** Registers the suite under `name`; `open` is called once. */
export function describeS3Contract(name: string, open: () => Promise<S3Target>): void {
  describe(`S3 contract: ${name}`, () => {
    const bucket = `contract-${randomUUID()}`;
    let target: S3Target;
    let s3: S3Client;

    const put = (key: string, body: string | Uint8Array, more: Partial<PutObjectCommandInput> = {}) =>
      s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ...more }));
    const get = (key: string, ifNoneMatch?: string) =>
      s3.send(
        new GetObjectCommand({ Bucket: bucket, Key: key, ...(ifNoneMatch && { IfNoneMatch: ifNoneMatch }) }),
      );
    const textOf = async (key: string) => (await get(key)).Body?.transformToString();

    beforeAll(async () => {
      target = await open();
      s3 = s3ClientFor(target.endpoint);
      await s3.send(new CreateBucketCommand({ Bucket: bucket }));
    });
    afterAll(async () => {
      s3?.destroy();
      await target?.close();
    });

    describe('a plain object', () => {
      it('comes back with its exact bytes, type, metadata and a quoted ETag', async () => {
        const body = Buffer.from('{"a": 1,\t"ü": "\u0000 \r\n"}\n');
        const { ETag } = await put('plain', body, {
          ContentType: 'application/json',
          Metadata: { seq: '7' },
        });
        const object = await get('plain');
        expect(Buffer.from((await object.Body?.transformToByteArray()) ?? [])).toEqual(body);
        expect(object.ETag).toBe(ETag);
        expect(ETag).toBe(`"${createHash('md5').update(body).digest('hex')}"`);
        expect(object.ContentType).toBe('application/json');
        expect(object.Metadata).toEqual({ seq: '7' });
        expect(object.LastModified).toBeInstanceOf(Date);
      });

      it('a plain object may have 1 MB of random bytes', async () => {
        const body = randomBytes(1024 * 1024);
        await put('large', body);
        const read = (await (await get('large')).Body?.transformToByteArray()) ?? new Uint8Array();
        expect(Buffer.compare(read, body)).toBe(0);
      });

      it('a plain object may be empty', async () => {
        await put('empty', new Uint8Array());
        expect(await textOf('empty')).toBe('');
      });

      it('a plain object is described by HEAD and gone after DELETE, which may be repeated', async () => {
        await put('short-lived', 'abc');
        const head = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: 'short-lived' }));
        expect(head.ContentLength).toBe(3);
        for (let i = 0; i < 2; i++)
          await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'short-lived' }));
        expect(await statusOf(s3.send(new HeadObjectCommand({ Bucket: bucket, Key: 'short-lived' })))).toBe(
          404,
        );
      });

      it('a plain object is kept apart by keys that differ only in percent-encoding', async () => {
        const keys = [
          'datafiles/a%2Fb/manifest.json',
          'datafiles/a/b/manifest.json',
          'datafiles/a+b=/x y',
          'datafiles/a b=/x y',
          'ünï/çødé',
        ];
        for (const key of keys) await put(key, key);
        for (const key of keys) expect(await textOf(key)).toBe(key);
      });
    });

    describe('what is not there', () => {
      it('is NoSuchKey for a missing key', async () => {
        const error = await errorOf(get('never-written'));
        expect([error.name, error.$metadata.httpStatusCode]).toEqual(['NoSuchKey', 404]);
      });

      it('is NoSuchBucket for a missing bucket', async () => {
        const missing = `missing-${randomUUID()}`;
        const error = await errorOf(s3.send(new GetObjectCommand({ Bucket: missing, Key: 'k' })));
        expect([error.name, error.$metadata.httpStatusCode]).toEqual(['NoSuchBucket', 404]);
        expect(await statusOf(s3.send(new HeadBucketCommand({ Bucket: missing })))).toBe(404);
        expect(await statusOf(s3.send(new HeadBucketCommand({ Bucket: bucket })))).toBe(200);
      });
    });

    describe('a conditional read', () => {
      it('answers 304 while the ETag is current and the object once it is not', async () => {
        const { ETag } = await put('polled', 'one');
        expect(await statusOf(get('polled', ETag))).toBe(304);
        await put('polled', 'two');
        expect(await (await get('polled', ETag)).Body?.transformToString()).toBe('two');
      });
    });

    describe('a conditional write', () => {
      it('a conditional write with If-None-Match: * creates once and leaves the first body', async () => {
        await put('created', 'first', { IfNoneMatch: '*' });
        const error = await errorOf(put('created', 'second', { IfNoneMatch: '*' }));
        expect([error.name, error.$metadata.httpStatusCode]).toEqual(['PreconditionFailed', 412]);
        expect(await textOf('created')).toBe('first');
      });

      it('a conditional write with If-Match replaces what was read and nothing newer', async () => {
        const { ETag: first } = await put('moved', 'one');
        const { ETag: second } = await put('moved', 'two', { IfMatch: first });
        expect(second).not.toBe(first);
        expect(await statusOf(put('moved', 'lost', { IfMatch: first }))).toBe(412);
        expect(await textOf('moved')).toBe('two');
      });

      it('a conditional write with If-Match does not create what is missing', async () => {
        const status = await statusOf(put('absent', 'x', { IfMatch: '"00000000000000000000000000000000"' }));
        expect([404, 412]).toContain(status);
        expect(await statusOf(get('absent'))).toBe(404);
      });

      it(`a conditional write has one winner among ${RACERS} racing creations, and the winner's body stays`, async () => {
        const outcomes = await race((i) => put('race-create', `racer ${i}`, { IfNoneMatch: '*' }));
        expectOneWinner(outcomes);
        expect(await textOf('race-create')).toBe(`racer ${outcomes.indexOf(200)}`);
      });

      it(`a conditional write has one winner among ${RACERS} racing replacements, and the winner's body stays`, async () => {
        const { ETag } = await put('race-replace', 'start');
        const outcomes = await race((i) => put('race-replace', `racer ${i}`, { IfMatch: ETag }));
        expectOneWinner(outcomes);
        expect(await textOf('race-replace')).toBe(`racer ${outcomes.indexOf(200)}`);
      });
    });

    describe('a listing', () => {
      const keys = ['list/a', 'list/b/1', 'list/b/2', 'list/c%2Bd', 'list/e&<f>', 'list/é'];
      beforeAll(async () => {
        for (const key of [...keys, 'other/x']) await put(key, key);
      });

      it('gives the keys under a prefix in byte order with size and ETag', async () => {
        const { Contents, IsTruncated } = await s3.send(
          new ListObjectsV2Command({ Bucket: bucket, Prefix: 'list/' }),
        );
        expect(Contents?.map(({ Key }) => Key)).toEqual(keys);
        expect(Contents?.map(({ Size }) => Size)).toEqual(keys.map((key) => Buffer.byteLength(key)));
        expect(Contents?.every(({ ETag }) => /^"[0-9a-f]{32}"$/.test(ETag ?? ''))).toBe(true);
        expect(IsTruncated).toBe(false);
      });

      it.each([undefined, '/'])(
        'comes in pages that neither repeat nor skip anything, delimiter %s',
        async (Delimiter) => {
          const seen: (string | undefined)[] = [];
          let token: string | undefined;
          do {
            const page = await s3.send(
              new ListObjectsV2Command({
                Bucket: bucket,
                Prefix: 'list/',
                MaxKeys: 2,
                ...(Delimiter && { Delimiter }),
                ...(token && { ContinuationToken: token }),
              }),
            );
            const names = [
              ...(page.Contents ?? []).map(({ Key }) => Key),
              ...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix),
            ];
            expect(names.length).toBeLessThanOrEqual(2);
            seen.push(...names);
            token = page.NextContinuationToken;
          } while (token !== undefined);
          const all =
            Delimiter === undefined ? keys : [...keys.filter((key) => !key.startsWith('list/b/')), 'list/b/'];
          expect(seen.toSorted()).toEqual(all.toSorted());
        },
      );

      it('folds what lies behind a delimiter', async () => {
        const page = await s3.send(
          new ListObjectsV2Command({ Bucket: bucket, Prefix: 'list/', Delimiter: '/' }),
        );
        expect(page.CommonPrefixes?.map(({ Prefix }) => Prefix)).toEqual(['list/b/']);
        expect(page.Contents?.map(({ Key }) => Key)).toEqual(
          keys.filter((key) => !key.startsWith('list/b/')),
        );
      });
    });
  });
}
