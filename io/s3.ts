// Objects in S3 as publishers and agents read and write them: within limits of time and size, under conditions, and with one
// way to say what failed. Knows no manifest and no body. The agent imports it only when S3 is first asked: loading the AWS
// SDK takes longer than serving the first decision from disk.

import { Readable } from 'node:stream';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { FanoutError, messageOf } from '../core/errors.ts';
import { ANSWER_BYTES_MAX, limited, readWithin } from '../core/http/read-within.ts';
import { type AwsLimits, awsLimits } from './aws-limits.ts';

/** For an object to arrive whole: one that drips would else hold its reader for ever. */
const READ_TIMEOUT_MS = 5_000;

export interface S3Settings {
  readonly bucket: string;
  /** Where the bucket is, when that is another region than the process's. */
  readonly region?: string | undefined;
  /** Another endpoint than AWS's, for local use and other makers' S3; addressed by path. */
  readonly endpoint?: string | undefined;
}

/** The part of the SDK's client that is used here. */
export type S3Connection = Pick<S3Client, 'send' | 'destroy'>;

export interface Condition {
  readonly IfMatch?: string;
  readonly IfNoneMatch?: string;
}

export interface S3Object {
  readonly bytes: Uint8Array;
  readonly etag: string;
}

export interface S3Objects {
  /**
   * @param etag of what the caller has: the answer is `unchanged` while it still is that
   * @throws FanoutError RECORD_UNAVAILABLE, with the HTTP status as `status`, and `bytesMax` where the object has more
   */
  get(key: string, bytesMax: number, etag?: string | null): Promise<S3Object | 'absent' | 'unchanged'>;
  /** The new ETag. @throws the SDK's own error: what its status means depends on the condition */
  put(key: string, body: Uint8Array, condition: Condition): Promise<string>;
  close(): void;
}

export function openS3(settings: S3Settings, limits: AwsLimits): S3Objects {
  return objectsOf(settings, s3ClientOf(settings, limits));
}

export function objectsOf({ bucket }: S3Settings, client: S3Connection): S3Objects {
  const get: S3Objects['get'] = async (key, bytesMax, etag = null) => {
    const condition = etag === null ? {} : { IfNoneMatch: etag };
    try {
      const abortSignal = AbortSignal.timeout(READ_TIMEOUT_MS);
      const command = new GetObjectCommand({ Bucket: bucket, Key: key, ...condition });
      const answer = await client.send(command, { abortSignal });
      const pieces = answer.Body as Readable | undefined;
      const bytes = await readWithin(pieces, bytesMax, () => overLimit(key, bytesMax, answer.ETag));
      return { bytes, etag: answer.ETag ?? '' };
    } catch (error) {
      if (error instanceof FanoutError) throw error;
      // The SDK throws a 304 as an error named "Unknown": only its status tells.
      if (statusOf(error) === 304) return 'unchanged';
      // Without s3:ListBucket a missing key is a 403, which must not pass for "there is none".
      if (statusOf(error) === 404 && nameOf(error) !== 'NoSuchBucket') return 'absent';
      throw unavailable(bucket, `read ${key}`, error);
    }
  };

  const put: S3Objects['put'] = async (key, body, condition) => {
    const object = { Bucket: bucket, Key: key, Body: body, ContentType: 'application/json' };
    return (await client.send(new PutObjectCommand({ ...object, ...condition }))).ETag ?? '';
  };

  return { get, put, close: () => client.destroy() };
}

/**
 * The ETag for `If-Match`. Without one the header would be left out, and the swap be no swap; a proxy that compresses
 * marks it as weak, which never matches.
 */
export function matchable(etag: string, bucket: string): string {
  if (etag === '') throw unavailable(bucket, 'give an ETag', new Error('a manifest without an ETag'));
  return etag.replace(/^W\//, '');
}

export function s3ClientOf({ region, endpoint }: S3Settings, limits: AwsLimits): S3Client {
  const client = new S3Client({
    ...(region === undefined ? {} : { region }),
    // Not every maker's S3 knows the checksum headers that this SDK sends unasked.
    ...(endpoint === undefined
      ? {}
      : { endpoint, forcePathStyle: true, requestChecksumCalculation: 'WHEN_REQUIRED' as const }),
    // Bodies are checked by their SHA-256, which is stronger and already paid for.
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...awsLimits(limits, endpoint),
  });
  limitAnswers(client);
  return client;
}

/** The SDK reads all that comes beside an object (errors, answers to a PUT) whole and without a limit. */
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
  (error as { $metadata?: { httpStatusCode?: number } } | null)?.$metadata?.httpStatusCode ?? 0;
export const nameOf = (error: unknown): string => (error instanceof Error ? error.name : '');

export function unavailable(bucket: string, what: string, cause: unknown): FanoutError {
  const status = statusOf(cause);
  const why = [status || '', nameOf(cause), messageOf(cause)].filter((part) => part !== '').join(' ');
  return new FanoutError({
    code: 'RECORD_UNAVAILABLE',
    message: `S3 could not ${what} in ${bucket}: ${why || 'no answer'}`.slice(0, MESSAGE_CHARACTERS_MAX),
    remedy:
      "Check the bucket's name and region, that the process's role may use datafiles/* and, to publish, list the bucket, and S3's health.",
    retryable: true,
    fields: { bucket, status },
    cause,
  });
}

/** An error of S3 may quote a long answer. */
const MESSAGE_CHARACTERS_MAX = 400;

const overLimit = (key: string, bytesMax: number, etag?: string) =>
  new FanoutError({
    code: 'RECORD_UNAVAILABLE',
    message: `${key} in S3 has more than ${bytesMax} bytes; reading stopped there`,
    remedy: 'Only the functions should write to the bucket: restore an earlier version of the object.',
    retryable: true,
    fields: { key, bytesMax, etag },
  });
