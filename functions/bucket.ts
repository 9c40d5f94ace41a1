// The record in S3: bodies are created once and never change, the manifest moves by compare-and-swap. One of the two
// files of the functions that know AWS. When to move the manifest, and to what, is not decided here.

import { Readable } from 'node:stream';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { DATAFILE_BYTES_MAX } from '../core/datafile.ts';
import { checkBody } from '../core/envelope.ts';
import { FanoutError } from '../core/errors.ts';
import type { SdkKey, Sha256 } from '../core/ids.ts';
import { decodeManifest, encodeManifest, MANIFEST_BYTES_MAX } from '../core/manifest-codec.ts';
import { bodyKey, manifestKey } from '../core/names.ts';
import { ANSWER_BYTES_MAX, limited, readWithin } from '../core/read-within.ts';
import { awsLimits } from './aws-limits.ts';
import type { DatafileRecord } from './ports.ts';
import { conditionsCheck, type TrialWrite, withConditionsProven } from './store-conditions.ts';

/** 409: another conditional write to the same key is under way, and S3 asks to try again. */
const BODY_ATTEMPTS_MAX = 5;

/** For an object to arrive whole: one that drips would else hold its reader for ever. */
const READ_TIMEOUT_MS = 5_000;

/** 404 is how S3 answers `If-Match` on an object that was deleted meanwhile. */
const SWAP_CONFLICTS = new Set([404, 409, 412]);

export interface BucketSettings {
  readonly bucket: string;
  /** Where the bucket is, when that is another region than the function's. */
  readonly region?: string | undefined;
  /** Another endpoint than AWS's, for local use and other makers' S3. */
  readonly endpoint?: string | undefined;
}

/** @param client instead of one that the settings make */
export function createBucket(settings: BucketSettings, client = clientOf(settings)): DatafileRecord {
  const { bucket } = settings;

  const get = async (key: string, bytesMax: number) => {
    try {
      const abortSignal = AbortSignal.timeout(READ_TIMEOUT_MS);
      const answer = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }), { abortSignal });
      const pieces = answer.Body as Readable | undefined;
      const bytes = await readWithin(pieces, bytesMax, () => overLimit(key, bytesMax, answer.ETag));
      return { bytes, etag: answer.ETag ?? '' };
    } catch (error) {
      if (error instanceof FanoutError) throw error;
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
      const object = await get(manifestKey(sdkKey), MANIFEST_BYTES_MAX);
      if (object === null) return null;
      const etag = swappable(object.etag, bucket);
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
      if (object === null) throw missing(sdkKey, sha256);
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
export function createRecord(settings: BucketSettings): DatafileRecord {
  const client = clientOf(settings);
  const record = createBucket(settings, client);
  if (settings.endpoint === undefined) return record;
  return withConditionsProven(record, conditionsCheck(trialWrite(settings, client), settings.endpoint));
}

/** For whoever tries conditions itself. */
export const createTrialWrite = (settings: BucketSettings): TrialWrite =>
  trialWrite(settings, clientOf(settings));

const TRIAL_ANSWERS = new Set([...SWAP_CONFLICTS, 501]);

const trialWrite =
  ({ bucket }: BucketSettings, client: S3Client): TrialWrite =>
  async (key, condition) => {
    try {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: '{}', ...condition }));
      return 200;
    } catch (error) {
      // What is not implemented will not be done later either; every other failure may pass.
      if (TRIAL_ANSWERS.has(statusOf(error)) && nameOf(error) !== 'NoSuchBucket') return statusOf(error);
      throw unavailable(bucket, `write ${key}`, error);
    }
  };

/**
 * The ETag for `If-Match`. Without one the header would be left out, and the swap be no swap; a proxy that compresses
 * marks it as weak, which never matches.
 */
function swappable(etag: string, bucket: string): string {
  if (etag === '') throw unavailable(bucket, 'give an ETag', new Error('a manifest without an ETag'));
  return etag.replace(/^W\//, '');
}

function clientOf({ region, endpoint }: BucketSettings): S3Client {
  const client = new S3Client({
    ...(region === undefined ? {} : { region }),
    // Not every maker's S3 knows the checksum headers that this SDK sends unasked.
    ...(endpoint === undefined
      ? {}
      : { endpoint, forcePathStyle: true, requestChecksumCalculation: 'WHEN_REQUIRED' as const }),
    ...awsLimits,
  });
  limitAnswers(client);
  return client;
}

/** The SDK reads whatever comes beside an object (errors, answers to a PUT) whole and without a limit. */
function limitAnswers(client: S3Client): void {
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        const result = await next(args);
        const answer = result.response as { statusCode: number; body?: Readable };
        const isObject = commandName === 'GetObjectCommand' && answer.statusCode < 300;
        if (answer.body !== undefined && !isObject)
          answer.body = Readable.from(limited(answer.body, ANSWER_BYTES_MAX, longAnswer));
        return result;
      },
    // Nearest to the connection, below what reads the answer.
    { step: 'deserialize', priority: 'low', name: 'limitAnswers' },
  );
}

const longAnswer = () => new Error(`S3 answered more than ${ANSWER_BYTES_MAX} bytes beside an object`);

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

/** What is there is no manifest; whoever knows better may replace it. */
function withEtag(error: unknown, etag: string): unknown {
  if (!(error instanceof FanoutError)) return error;
  const { code, message, remedy, retryable, fields } = error;
  return new FanoutError({ code, message, remedy, retryable, fields: { ...fields, etag } });
}

const overLimit = (key: string, bytesMax: number, etag?: string) =>
  new FanoutError({
    code: 'RECORD_UNAVAILABLE',
    message: `${key} in S3 has more than ${bytesMax} bytes; reading stopped there`,
    remedy: 'Nobody but the functions should write to the bucket: restore an earlier version of the object.',
    retryable: true,
    fields: { key, bytesMax, etag },
  });

const missing = (sdkKey: SdkKey, sha256: Sha256) =>
  new FanoutError({
    code: 'BODY_MISSING',
    message: `The record has no body ${sha256.slice(0, 12)}… of ${sdkKey}, although the manifest names it`,
    remedy: `Restore ${bodyKey(sdkKey, sha256)} from the bucket's versions; bodies are never deleted on purpose.`,
    retryable: true,
    fields: { sdkKey, sha256 },
  });
