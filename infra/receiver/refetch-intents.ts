// Refetches that are owed, in the same bucket as the record: a webhook is answered 202 only once its intent is there, so
// that the death of this process loses nothing. One object per key, holding the highest announced revision. Nobody
// deletes it: it is settled when the manifest has reached that revision.

import type { SdkKey } from '../../core/ids.ts';
import { encodeSdkKey } from '../../core/names.ts';
import { decodeNotice, encodeNotice, type RefetchNotice } from '../../core/notice.ts';
import {
  type BucketSettings,
  matchable,
  objectsOf,
  s3ClientOf,
  statusOf,
  unavailable,
} from '../../functions/s3-objects.ts';

export interface RefetchIntents {
  /** Null when none was ever owed. @throws FanoutError RECORD_UNAVAILABLE, NOTICE_INVALID */
  read(sdkKey: SdkKey): Promise<RefetchNotice | null>;
  /** Keeps the higher revision. @throws FanoutError RECORD_UNAVAILABLE, NOTICE_INVALID */
  write(notice: RefetchNotice): Promise<void>;
}

/** Each lost race means that another replica wrote one. */
const WRITE_ATTEMPTS_MAX = 5;
/** A notice takes some 200. */
const INTENT_BYTES_MAX = 16 * 1024;
/** As for the manifest: somebody else was there first. */
const CONFLICTS = new Set([404, 409, 412]);

const intentKey = (sdkKey: SdkKey): string => `datafiles/${encodeSdkKey(sdkKey)}/refetch.json`;

export function createRefetchIntents(settings: BucketSettings): RefetchIntents {
  const { bucket } = settings;
  const objects = objectsOf(settings, s3ClientOf(settings));

  const get = async (sdkKey: SdkKey) => {
    const object = await objects.get(intentKey(sdkKey), INTENT_BYTES_MAX);
    if (object === null) return null;
    const notice = decodeNotice(Buffer.from(object.bytes).toString());
    return { etag: matchable(object.etag, bucket), notice: notice.kind === 'refetch' ? notice : null };
  };

  return {
    read: async (sdkKey) => (await get(sdkKey))?.notice ?? null,

    write: async (notice) => {
      const key = intentKey(notice.sdkKey);
      const body = Buffer.from(encodeNotice(notice));
      for (let attempt = 1; ; attempt++) {
        const found = await get(notice.sdkKey);
        if (found?.notice && found.notice.revision > notice.revision) return;
        const condition = found === null ? { IfNoneMatch: '*' } : { IfMatch: found.etag };
        try {
          await objects.put(key, body, condition);
          return;
        } catch (error) {
          if (!CONFLICTS.has(statusOf(error)) || attempt === WRITE_ATTEMPTS_MAX)
            throw unavailable(bucket, `write ${key}`, error);
        }
      }
    },
  };
}
