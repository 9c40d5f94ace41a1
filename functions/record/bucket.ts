// The record in S3: bodies are created once and never change, the manifest moves by compare-and-swap. functions/publish decides
// when to move it and to what; io/s3.ts reads and writes the objects.

import { checkBody } from '../../core/bus/envelope.ts';
import { DATAFILE_BYTES_MAX } from '../../core/datafile/datafile.ts';
import { FanoutError } from '../../core/errors.ts';
import type { SdkKey, Sha256 } from '../../core/ids.ts';
import { decodeManifest, encodeManifest, MANIFEST_BYTES_MAX } from '../../core/record/manifest-codec.ts';
import { bodyKey, manifestKey } from '../../core/record/names.ts';
import { FUNCTION_LIMITS } from '../../io/aws-limits.ts';
import {
  matchable,
  nameOf,
  objectsOf,
  openS3,
  type S3Connection,
  type S3Objects,
  type S3Settings,
  s3ClientOf,
  statusOf,
  unavailable,
} from '../../io/s3.ts';
import type { DatafileRecord } from '../ports.ts';
import { conditionsCheck, type TrialWrite, withConditionsProven } from './store-conditions.ts';

/** 409: another conditional write to the same key is under way, and S3 asks to try again. */
const BODY_ATTEMPTS_MAX = 5;

/** 404 is how S3 answers `If-Match` on an object that was deleted meanwhile. */
const SWAP_CONFLICTS = new Set([404, 409, 412]);

/** @param client instead of one that the settings make */
export function createBucket(
  settings: S3Settings,
  client: S3Connection = s3ClientOf(settings, FUNCTION_LIMITS),
): DatafileRecord {
  const { bucket } = settings;
  const { get, put } = objectsOf(settings, client);

  return {
    readManifest: async (sdkKey) => {
      const object = await get(manifestKey(sdkKey), MANIFEST_BYTES_MAX);
      if (typeof object === 'string') return null;
      const etag = matchable(object.etag, bucket);
      try {
        return { manifest: decodeManifest(object.bytes, sdkKey), etag };
      } catch (error) {
        throw withEtag(error, etag);
      }
    },

    swapManifest: async (manifest, expectedEtag) => {
      const key = manifestKey(manifest.sdkKey);
      const condition = expectedEtag === null ? { IfNoneMatch: '*' } : { IfMatch: expectedEtag };
      try {
        return { etag: await put(key, encodeManifest(manifest), condition) };
      } catch (error) {
        if (SWAP_CONFLICTS.has(statusOf(error)) && nameOf(error) !== 'NoSuchBucket') return 'conflict';
        throw unavailable(bucket, `swap ${key}`, error);
      }
    },

    putBody: async (sdkKey, sha256, body) => {
      const key = bodyKey(sdkKey, sha256);
      for (let attempt = 1; ; attempt++) {
        try {
          await put(key, body, { IfNoneMatch: '*' });
          return 'written';
        } catch (error) {
          if (statusOf(error) === 412) return 'already-there';
          if (statusOf(error) !== 409 || attempt === BODY_ATTEMPTS_MAX)
            throw unavailable(bucket, `write ${key}`, error);
        }
      }
    },

    readBody: async (sdkKey, sha256) => {
      const object = await get(bodyKey(sdkKey, sha256), DATAFILE_BYTES_MAX);
      if (typeof object === 'string') throw missing(sdkKey, sha256);
      return checkBody(sha256, object.bytes);
    },

    replaceBody: async (sdkKey, sha256, body) => {
      const key = bodyKey(sdkKey, sha256);
      try {
        await put(key, body, {});
      } catch (error) {
        throw unavailable(bucket, `write ${key}`, error);
      }
    },
  };
}

/** As `createBucket`; another maker's S3 is tried for conditional writes before the first swap. */
export function createRecord(settings: S3Settings): DatafileRecord {
  const client = s3ClientOf(settings, FUNCTION_LIMITS);
  const record = createBucket(settings, client);
  if (settings.endpoint === undefined) return record;
  const write = trialWrite(settings, objectsOf(settings, client));
  return withConditionsProven(record, conditionsCheck(write, settings.endpoint));
}

/** For programs that try conditions themselves. */
export const createTrialWrite = (settings: S3Settings): TrialWrite =>
  trialWrite(settings, openS3(settings, FUNCTION_LIMITS));

const TRIAL_ANSWERS = new Set([...SWAP_CONFLICTS, 501]);

const trialWrite =
  ({ bucket }: S3Settings, { put }: S3Objects): TrialWrite =>
  async (key, condition) => {
    try {
      await put(key, Buffer.from('{}'), condition);
      return 200;
    } catch (error) {
      // What is not implemented will not be done later either; every other failure may pass.
      if (TRIAL_ANSWERS.has(statusOf(error)) && nameOf(error) !== 'NoSuchBucket') return statusOf(error);
      throw unavailable(bucket, `write ${key}`, error);
    }
  };

/** The object is no manifest: a publisher that knows better may replace it. */
function withEtag(error: unknown, etag: string): unknown {
  if (!(error instanceof FanoutError)) return error;
  const { code, message, remedy, retryable, fields } = error;
  return new FanoutError({ code, message, remedy, retryable, fields: { ...fields, etag } });
}

const missing = (sdkKey: SdkKey, sha256: Sha256) =>
  new FanoutError({
    code: 'BODY_MISSING',
    message: `The record has no body ${sha256.slice(0, 12)}… of ${sdkKey}, although the manifest names it`,
    remedy: `Restore ${bodyKey(sdkKey, sha256)} from the bucket's versions; bodies are never deleted on purpose.`,
    retryable: true,
    fields: { sdkKey, sha256 },
  });
