// Objects in S3 as the functions read and write them: within limits of time and size, under conditions, and with one way to
// say what failed. Knows no manifest and no body.

import { Readable } from 'node:stream';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { FanoutError } from '../../core/errors.ts';
import { ANSWER_BYTES_MAX, limited, readWithin } from '../../core/http/read-within.ts';
import { awsLimits } from '../settings/aws-limits.ts';

/** For an object to arrive whole: one that drips would else hold its reader for ever. */
const READ_TIMEOUT_MS = 5_000;

export interface BucketSettings {
  readonly bucket: string;
  /** Where the bucket is, when that is another region than the function's. */
  readonly region?: string | undefined;
  /** Another endpoint than AWS's, for local use and other makers' S3. */
  readonly endpoint?: string | undefined;
}

export type { S3Client };

export interface Condition {
  readonly IfMatch?: string;
  readonly IfNoneMatch?: string;
}

export interface S3Objects {
  /** Null when there is none. @throws FanoutError RECORD_UNAVAILABLE */
  get(key: string, bytesMax: number): Promise<{ readonly bytes: Uint8Array; readonly etag: string } | null>;
  /** The new ETag. @throws the SDK's own error: what its status means depends on the condition */
  put(key: string, body: Uint8Array, condition: Condition): Promise<string>;
}

export function objectsOf({ bucket }: BucketSettings, client: S3Client): S3Objects {
  const get: S3Objects['get'] = async (key, bytesMax) => {
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

  const put: S3Objects['put'] = async (key, body, condition) => {
    const object = { Bucket: bucket, Key: key, Body: body, ContentType: 'application/json' };
    return (await client.send(new PutObjectCommand({ ...object, ...condition }))).ETag ?? '';
  };

  return { get, put };
}

/**
 * The ETag for `If-Match`. Without one the header would be left out, and the swap be no swap; a proxy that compresses
 * marks it as weak, which never matches.
 */
export function matchable(etag: string, bucket: string): string {
  if (etag === '') throw unavailable(bucket, 'give an ETag', new Error('a manifest without an ETag'));
  return etag.replace(/^W\//, '');
}

export function s3ClientOf({ region, endpoint }: BucketSettings): S3Client {
  const client = new S3Client({
    ...(region === undefined ? {} : { region }),
    // Not every maker's S3 knows the checksum headers that this SDK sends unasked.
    ...(endpoint === undefined
      ? {}
      : { endpoint, forcePathStyle: true, requestChecksumCalculation: 'WHEN_REQUIRED' as const }),
    ...awsLimits(),
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
export const statusOf = (error: unknown): number =>
  (error as { $metadata?: { httpStatusCode?: number } })?.$metadata?.httpStatusCode ?? 0;
export const nameOf = (error: unknown): string => (error instanceof Error ? error.name : '');

export const unavailable = (bucket: string, what: string, cause: unknown) =>
  new FanoutError({
    code: 'RECORD_UNAVAILABLE',
    message: `S3 could not ${what} (${statusOf(cause) || nameOf(cause) || 'no answer'})`,
    remedy:
      "Check that the bucket exists, the function's role may use datafiles/* and list the bucket, and S3's health.",
    retryable: true,
    fields: { bucket },
    cause,
  });

const overLimit = (key: string, bytesMax: number, etag?: string) =>
  new FanoutError({
    code: 'RECORD_UNAVAILABLE',
    message: `${key} in S3 has more than ${bytesMax} bytes; reading stopped there`,
    remedy: 'Nobody but the functions should write to the bucket: restore an earlier version of the object.',
    retryable: true,
    fields: { key, bytesMax, etag },
  });
