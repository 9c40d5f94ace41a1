// What is owed, in a store that keeps the rules of S3.

import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { NOTICE_SCHEMA, type RefetchNotice } from '../../../core/bus/notice.ts';
import { type ChangeId, toSdkKey } from '../../../core/ids.ts';
import { createRefetchIntents, INTENTS_MAX } from '../../../functions/receiver/refetch-intents.ts';
import { type HttpServer, serveHttp } from '../../../infra/local/tools/http.ts';
import { AWS, BUCKET, startStore } from '../../infra/cli/support/record.ts';

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
  it('an intent is read as it was written, by any replica, for a key of any characters', async () => {
    const notice = noticeOf('a+b/c=', 7);
    expect(await replica().read(notice.sdkKey)).toEqual([]);
    await replica().write(notice);
    expect(await replica().read(notice.sdkKey)).toEqual([notice]);
  });

  const revisionsOf = async (key: string) =>
    (await replica().read(toSdkKey(key))).map(({ revision }) => revision);

  it('an intent is kept beside one of a higher revision, which may never be served', async () => {
    for (const revision of [Number.MAX_SAFE_INTEGER, 7, 8, 7])
      await replica().write(noticeOf('lower', revision));
    expect(await revisionsOf('lower')).toEqual([7, 8, Number.MAX_SAFE_INTEGER]);
  });

  it('an intent is kept also when several are written at once', async () => {
    await Promise.all([3, 5, 4].map((revision) => replica().write(noticeOf('race', revision))));
    expect(await revisionsOf('race')).toEqual([3, 4, 5]);
  });

  it('gives way to newer ones beyond the limit, the one received first before the others', async () => {
    for (let i = 0; i <= INTENTS_MAX; i++)
      await replica().write({ ...noticeOf('many', 100 - i), receivedAtMs: i });
    expect(await revisionsOf('many')).toEqual(
      Array.from({ length: INTENTS_MAX }, (_, i) => 100 - INTENTS_MAX + i),
    );
  });

  it('an intent is read within a limit, and not overwritten where the store says no ETag to match', async () => {
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

  it('an intent is not taken for absent when the bucket is, or when S3 does not answer', async () => {
    const elsewhere = createRefetchIntents({ bucket: 'other', endpoint: store.url });
    await expect(elsewhere.write(noticeOf('k', 1))).rejects.toMatchObject({ code: 'RECORD_UNAVAILABLE' });
    const gone = await serveHttp(async () => {}, 0);
    onTestFinished(() => gone.close());
    await gone.close();
    const unreachable = createRefetchIntents({ bucket: BUCKET, endpoint: gone.url });
    await expect(unreachable.read(toSdkKey('k'))).rejects.toMatchObject({ retryable: true });
  });
});
