// Refetches that are owed, in the same bucket as the record: a webhook is answered 202 only once its intent is there, so
// that the death of this process loses nothing. One object per key, holding the last few announced revisions: a single one
// that Optimizely never serves must not hide the others. No replica deletes them: one is settled when the manifest has reached
// its revision, and gives way to newer ones.

import { decodeNotice, encodeNotice, type RefetchNotice } from '../../core/bus/notice.ts';
import type { SdkKey } from '../../core/ids.ts';
import { encodeSdkKey } from '../../core/record/names.ts';
import { isSameRevision, lowestRevisionFirst } from '../../core/version.ts';
import { FUNCTION_LIMITS } from '../../io/aws-limits.ts';
import { matchable, openS3, type S3Settings, statusOf, unavailable } from '../../io/s3.ts';

export interface RefetchIntents {
  /** The lowest revision first; none when none was ever owed. @throws FanoutError RECORD_UNAVAILABLE, NOTICE_INVALID */
  read(sdkKey: SdkKey): Promise<readonly RefetchNotice[]>;
  /** Adds it to those of its key. @throws FanoutError RECORD_UNAVAILABLE, NOTICE_INVALID */
  write(notice: RefetchNotice): Promise<void>;
}

/** Each lost race means that another replica wrote one. */
const WRITE_ATTEMPTS_MAX = 5;
/** Revisions kept of one key; the one received first gives way. */
export const INTENTS_MAX = 8;
/** A notice takes about 200. */
const INTENT_BYTES_MAX = 16 * 1024;
/** As for the manifest: another replica was there first. */
const CONFLICTS = new Set([404, 409, 412]);

const intentKey = (sdkKey: SdkKey): string => `datafiles/${encodeSdkKey(sdkKey)}/refetch.json`;

export function createRefetchIntents(settings: S3Settings): RefetchIntents {
  const { bucket } = settings;
  const objects = openS3(settings, FUNCTION_LIMITS);

  const get = async (sdkKey: SdkKey) => {
    const object = await objects.get(intentKey(sdkKey), INTENT_BYTES_MAX);
    if (typeof object === 'string') return null;
    return { etag: matchable(object.etag, bucket), notices: decodeIntents(object.bytes) };
  };

  return {
    read: async (sdkKey) => (await get(sdkKey))?.notices ?? [],

    write: async (notice) => {
      const key = intentKey(notice.sdkKey);
      for (let attempt = 1; ; attempt++) {
        const found = await get(notice.sdkKey);
        const body = encodeIntents(withNotice(found?.notices ?? [], notice));
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

/** One notice a line; earlier replicas wrote a single one, without its end. */
function decodeIntents(bytes: Uint8Array): readonly RefetchNotice[] {
  const lines = Buffer.from(bytes).toString().split('\n');
  const notices = lines.filter((line) => line !== '').map((line) => decodeNotice(line));
  return notices.filter((notice) => notice.kind === 'refetch').sort(lowestRevisionFirst);
}

const encodeIntents = (notices: readonly RefetchNotice[]): Uint8Array =>
  Buffer.from(notices.map((notice) => `${encodeNotice(notice)}\n`).join(''));

/** One of the same revision is the same promise, made again. */
function withNotice(notices: readonly RefetchNotice[], added: RefetchNotice): readonly RefetchNotice[] {
  const others = notices.filter((notice) => !isSameRevision(notice, added));
  const newestFirst = others.sort((a, b) => b.receivedAtMs - a.receivedAtMs);
  return [added, ...newestFirst.slice(0, INTENTS_MAX - 1)];
}
