// Refetches that are owed, in the same bucket as the record: a webhook is answered 202 only once its intent is there, so
// that the death of this process loses nothing. One object per key, holding the highest announced revision. Nobody
// deletes it: it is settled when the manifest has reached that revision.

import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { FanoutError } from '../../core/errors.ts';
import type { SdkKey } from '../../core/ids.ts';
import { encodeSdkKey } from '../../core/names.ts';
import { decodeNotice, encodeNotice, type RefetchNotice } from '../../core/notice.ts';
import { awsLimits } from '../../functions/aws-limits.ts';
import type { BucketSettings } from '../../functions/bucket.ts';

export interface RefetchIntents {
  /** Null when none was ever owed. @throws FanoutError RECORD_UNAVAILABLE, NOTICE_INVALID */
  read(sdkKey: SdkKey): Promise<RefetchNotice | null>;
  /** Keeps the higher revision. @throws FanoutError RECORD_UNAVAILABLE, NOTICE_INVALID */
  write(notice: RefetchNotice): Promise<void>;
}

/** Each lost race means that another replica wrote one. */
const WRITE_ATTEMPTS_MAX = 5;
/** As for the manifest: somebody else was there first. */
const CONFLICTS = new Set([404, 409, 412]);

const intentKey = (sdkKey: SdkKey): string => `datafiles/${encodeSdkKey(sdkKey)}/refetch.json`;

export function createRefetchIntents({ bucket, region, endpoint }: BucketSettings): RefetchIntents {
  const client = new S3Client({
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined
      ? {}
      : { endpoint, forcePathStyle: true, requestChecksumCalculation: 'WHEN_REQUIRED' as const }),
    ...awsLimits,
  });

  const get = async (sdkKey: SdkKey) => {
    const Key = intentKey(sdkKey);
    try {
      const { Body, ETag } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
      const notice = decodeNotice((await Body?.transformToString()) ?? '');
      return { etag: ETag ?? '', notice: notice.kind === 'refetch' ? notice : null };
    } catch (error) {
      if (error instanceof FanoutError) throw error;
      if (statusOf(error) === 404 && (error as Error).name !== 'NoSuchBucket') return null;
      throw unavailable(bucket, `read ${Key}`, error);
    }
  };

  return {
    read: async (sdkKey) => (await get(sdkKey))?.notice ?? null,

    write: async (notice) => {
      const Key = intentKey(notice.sdkKey);
      const object = { Bucket: bucket, Key, Body: encodeNotice(notice), ContentType: 'application/json' };
      for (let attempt = 1; ; attempt++) {
        const found = await get(notice.sdkKey);
        if (found?.notice && found.notice.revision > notice.revision) return;
        const condition = found === null ? { IfNoneMatch: '*' } : { IfMatch: found.etag };
        try {
          await client.send(new PutObjectCommand({ ...object, ...condition }));
          return;
        } catch (error) {
          if (!CONFLICTS.has(statusOf(error)) || attempt === WRITE_ATTEMPTS_MAX)
            throw unavailable(bucket, `write ${Key}`, error);
        }
      }
    },
  };
}

const statusOf = (error: unknown): number =>
  (error as { $metadata?: { httpStatusCode?: number } })?.$metadata?.httpStatusCode ?? 0;

const unavailable = (bucket: string, what: string, cause: unknown) =>
  new FanoutError({
    code: 'RECORD_UNAVAILABLE',
    message: `The store could not ${what} (${statusOf(cause) || 'no answer'})`,
    remedy: 'Check that the bucket exists, that the credentials may use datafiles/*, and the store itself.',
    retryable: true,
    fields: { bucket },
    cause,
  });
