// How the S3 contract calls an S3 and reads its answers.

import { S3Client, type S3ServiceException } from '@aws-sdk/client-s3';
import { expect } from 'vitest';

export const RACERS = 20;

/** Credentials and region from the environment where they are set: `S3_ENDPOINT` may be a real account. */
export function s3ClientFor(endpoint: string): S3Client {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION } = process.env;
  const isLocal = AWS_ACCESS_KEY_ID === undefined || AWS_SECRET_ACCESS_KEY === undefined;
  return new S3Client({
    endpoint,
    region: AWS_REGION ?? 'us-east-1',
    forcePathStyle: true,
    // A retried 409 would hide it.
    maxAttempts: 1,
    ...(isLocal && { credentials: { accessKeyId: 'local', secretAccessKey: 'local' } }),
  });
}

export async function race(write: (racer: number) => Promise<unknown>): Promise<number[]> {
  return Promise.all(Array.from({ length: RACERS }, (_, i) => statusOf(write(i))));
}

export function expectOneWinner(statuses: readonly number[]): void {
  expect(statuses.filter((status) => status === 200)).toHaveLength(1);
  expect(statuses.filter((status) => status !== 200 && status !== 412 && status !== 409)).toEqual([]);
}

export async function statusOf(call: Promise<unknown>): Promise<number> {
  try {
    await call;
    return 200;
  } catch (error) {
    const status = (error as S3ServiceException).$metadata?.httpStatusCode;
    if (status === undefined) throw error;
    return status;
  }
}

export async function errorOf(call: Promise<unknown>): Promise<S3ServiceException> {
  try {
    await call;
  } catch (error) {
    return error as S3ServiceException;
  }
  throw new Error('The call succeeded, an error was expected');
}
