// The record in S3: bodies are created once and never change, the manifest moves by compare-and-swap. One of the two
// files of the functions that know AWS. When to move the manifest, and to what, is not decided here.

import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { checkBody } from '../core/envelope.ts';
import { FanoutError } from '../core/errors.ts';
import type { SdkKey, Sha256 } from '../core/ids.ts';
import { decodeManifest, encodeManifest } from '../core/manifest-codec.ts';
import { bodyKey, manifestKey } from '../core/names.ts';
import { awsLimits } from './aws-limits.ts';
import type { DatafileRecord } from './ports.ts';

/** 409: another conditional write to the same key is under way, and S3 asks to try again. */
const BODY_ATTEMPTS_MAX = 5;

/** 404 is how S3 answers `If-Match` on an object that was deleted meanwhile. */
const SWAP_CONFLICTS = new Set([404, 409, 412]);

export interface BucketSettings {
  readonly bucket: string;
  /** Where the bucket is, when that is another region than the function's. */
  readonly region?: string | undefined;
  /** Another endpoint than AWS's, for local use and other makers' S3. */
  readonly endpoint?: string | undefined;
}

export function createBucket({ bucket, region, endpoint }: BucketSettings): DatafileRecord {
  const client = new S3Client({
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    ...awsLimits,
  });

  const get = async (key: string) => {
    try {
      const { Body, ETag } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      return { bytes: (await Body?.transformToByteArray()) ?? new Uint8Array(0), etag: ETag ?? '' };
    } catch (error) {
      // Without s3:ListBucket a missing key is a 403, which must not pass for "there is none".
      if (statusOf(error) === 404 && nameOf(error) !== 'NoSuchBucket') return null;
      throw unavailable(bucket, `read ${key}`, error);
    }
  };

  const put = async (
    key: string,
    body: Uint8Array,
    condition: { IfMatch?: string; IfNoneMatch?: string },
  ) => {
    const object = { Bucket: bucket, Key: key, Body: body, ContentType: 'application/json' };
    return (await client.send(new PutObjectCommand({ ...object, ...condition }))).ETag ?? '';
  };

  return {
    readManifest: async (sdkKey) => {
      const object = await get(manifestKey(sdkKey));
      return object === null ? null : { manifest: decodeManifest(object.bytes, sdkKey), etag: object.etag };
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
      const object = await get(bodyKey(sdkKey, sha256));
      if (object === null) throw missing(sdkKey, sha256);
      return checkBody(sha256, object.bytes);
    },
  };
}

/** HTTP status of an AWS error, 0 when there was no answer. */
const statusOf = (error: unknown): number =>
  (error as { $metadata?: { httpStatusCode?: number } })?.$metadata?.httpStatusCode ?? 0;
const nameOf = (error: unknown): string => (error instanceof Error ? error.name : '');

const unavailable = (bucket: string, what: string, cause: unknown) =>
  new FanoutError({
    code: 'RECORD_UNAVAILABLE',
    message: `S3 could not ${what} (${statusOf(cause) || nameOf(cause) || 'no answer'})`,
    remedy:
      "Check that the bucket exists, the function's role may use datafiles/* and list the bucket, and S3's health.",
    retryable: true,
    fields: { bucket },
    cause,
  });

const missing = (sdkKey: SdkKey, sha256: Sha256) =>
  new FanoutError({
    code: 'BODY_MISSING',
    message: `The record has no body ${sha256.slice(0, 12)}… of ${sdkKey}, although the manifest names it`,
    remedy: `Restore ${bodyKey(sdkKey, sha256)} from the bucket's versions; bodies are never deleted on purpose.`,
    retryable: true,
    fields: { sdkKey, sha256 },
  });
