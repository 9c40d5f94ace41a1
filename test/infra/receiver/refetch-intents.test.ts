// What is owed, in a store that keeps the rules of S3.

import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type ChangeId, toSdkKey } from '../../../core/ids.ts';
import { NOTICE_SCHEMA, type RefetchNotice } from '../../../core/notice.ts';
import { type HttpServer, serveHttp } from '../../../infra/local/http.ts';
import { createRefetchIntents } from '../../../infra/receiver/refetch-intents.ts';
import { AWS, BUCKET, startStore } from '../cli/support/record.ts';

let store: HttpServer;
beforeAll(async () => {
  Object.assign(process.env, AWS);
  store = await startStore();
  return () => store.close();
});

const replica = () => createRefetchIntents({ bucket: BUCKET, endpoint: store.url });

const noticeOf = (key: string, revision: number): RefetchNotice => ({
  schema: NOTICE_SCHEMA,
  kind: 'refetch',
  sdkKey: toSdkKey(key),
  revision,
  changeId: `change-${revision}` as ChangeId,
  receivedAtMs: 1,
});

describe('an intent', () => {
  it('is read as it was written, by any replica, whatever the key is made of', async () => {
    const notice = noticeOf('a+b/c=', 7);
    expect(await replica().read(notice.sdkKey)).toBeNull();
    await replica().write(notice);
    expect(await replica().read(notice.sdkKey)).toEqual(notice);
  });

  it('is never replaced by one of a lower revision', async () => {
    await replica().write(noticeOf('lower', 8));
    await replica().write(noticeOf('lower', 7));
    expect((await replica().read(toSdkKey('lower')))?.revision).toBe(8);
    await replica().write(noticeOf('lower', 9));
    expect((await replica().read(toSdkKey('lower')))?.revision).toBe(9);
  });

  it('keeps the highest of several that are written at once', async () => {
    await Promise.all([3, 5, 4].map((revision) => replica().write(noticeOf('race', revision))));
    expect((await replica().read(toSdkKey('race')))?.revision).toBe(5);
  });

  it('is read within a limit, and not overwritten where the store says no ETag to match', async () => {
    const answering = async (body: string): Promise<string> => {
      const server = await serveHttp(async (_, response) => void response.end(body), 0);
      onTestFinished(() => server.close());
      return server.url;
    };
    const long = createRefetchIntents({ bucket: BUCKET, endpoint: await answering('x'.repeat(100_000)) });
    await expect(long.read(toSdkKey('k'))).rejects.toMatchObject({ fields: { bytesMax: 16_384 } });
    const notice = JSON.stringify(noticeOf('k', 1));
    const bare = createRefetchIntents({ bucket: BUCKET, endpoint: await answering(notice) });
    await expect(bare.write(noticeOf('k', 2))).rejects.toMatchObject({ code: 'RECORD_UNAVAILABLE' });
  });

  it('is not taken for absent when the bucket is, or when nobody answers', async () => {
    const elsewhere = createRefetchIntents({ bucket: 'other', endpoint: store.url });
    await expect(elsewhere.write(noticeOf('k', 1))).rejects.toMatchObject({ code: 'RECORD_UNAVAILABLE' });
    const gone = await serveHttp(async () => {}, 0);
    onTestFinished(() => gone.close());
    await gone.close();
    const nobody = createRefetchIntents({ bucket: BUCKET, endpoint: gone.url });
    await expect(nobody.read(toSdkKey('k'))).rejects.toMatchObject({ retryable: true });
  });
});
