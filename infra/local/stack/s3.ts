// The bucket of the stack, in the stand-in or in another S3.

import {
  BucketAlreadyOwnedByYou,
  CreateBucketCommand,
  HeadBucketCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { FanoutError } from '../../../core/errors.ts';
import type { Env } from './env.ts';

/** @throws FanoutError STACK_FAILED when the endpoint cannot be reached or refuses */
export async function ensureBucket(endpoint: string, bucket: string, aws: Env): Promise<void> {
  const {
    AWS_ACCESS_KEY_ID = '',
    AWS_SECRET_ACCESS_KEY = '',
    AWS_SESSION_TOKEN,
    AWS_REGION = 'us-east-1',
  } = aws;
  const s3 = new S3Client({
    endpoint,
    region: AWS_REGION,
    forcePathStyle: true,
    credentials: {
      accessKeyId: AWS_ACCESS_KEY_ID,
      secretAccessKey: AWS_SECRET_ACCESS_KEY,
      ...(AWS_SESSION_TOKEN !== undefined && { sessionToken: AWS_SESSION_TOKEN }),
    },
  });
  try {
    if (
      await s3.send(new HeadBucketCommand({ Bucket: bucket })).then(
        () => true,
        () => false,
      )
    )
      return;
    await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  } catch (cause) {
    if (cause instanceof BucketAlreadyOwnedByYou) return;
    throw new FanoutError({
      code: 'STACK_FAILED',
      message: `The bucket ${bucket} cannot be made at ${endpoint}`,
      remedy: 'Check the S3 endpoint, and AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION for it.',
      retryable: true,
      cause,
    });
  } finally {
    s3.destroy();
  }
}
