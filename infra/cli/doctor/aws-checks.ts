// Credentials, clock, bucket and topic: what AWS, or another maker's S3, says of them. Reads only.

import {
  GetBucketVersioningCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { GetTopicAttributesCommand, SNSClient } from '@aws-sdk/client-sns';
import { messageOf } from '../../../core/errors.ts';
import { createTrialWrite } from '../../../functions/record/bucket.ts';
import { conditionsCheck } from '../../../functions/record/store-conditions.ts';
import { awsLimits, FUNCTION_LIMITS } from '../../../io/aws-limits.ts';
import { ask } from '../http.ts';
import { type Shell, variable } from '../shell.ts';
import { fail, type Judgement, ok, skipped, warn } from './finding.ts';
import type { Setup } from './setup.ts';

/** AWS refuses signatures that are further off than fifteen minutes; log lines stop making sense much earlier. */
const SKEW_WARN_MS = 5_000;
const SKEW_FAIL_MS = 5 * 60_000;
const KEY_CHARACTERS_SHOWN = 4;

const s3Of = ({ settings }: Setup): S3Client => {
  const { endpoint, region } = settings.bucket;
  return new S3Client({
    ...awsLimits(FUNCTION_LIMITS),
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
  });
};

export async function checkCredentials(setup: Setup): Promise<Judgement> {
  try {
    const client = s3Of(setup);
    const [{ accessKeyId, expiration }, region] = await Promise.all([
      client.config.credentials(),
      client.config.region(),
    ]);
    const until = expiration === undefined ? '' : `, until ${expiration.toISOString()}`;
    return ok(`access key …${accessKeyId.slice(-KEY_CHARACTERS_SHOWN)}, region ${region}${until}`);
  } catch (error) {
    return fail(
      `The AWS SDK finds no credentials or no region: ${messageOf(error)}`,
      'Set AWS_PROFILE, or AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY, and AWS_REGION, as for the AWS CLI.',
    );
  }
}

export async function checkClock(shell: Shell, setup: Setup): Promise<Judgement> {
  const endpoint = endpointOf(shell, setup) ?? 'https://s3.amazonaws.com';
  const sentAtMs = shell.clock.nowMs();
  const { headers, elapsedMs } = await ask(shell, { method: 'HEAD', url: new URL(endpoint) });
  const theirsMs = Date.parse(headers.get('date') ?? '');
  if (Number.isNaN(theirsMs)) return skipped(`${endpoint} does not say what time it has`);
  // The header has whole seconds: their middle, against the middle of the question.
  const skewMs = Math.round(theirsMs + 500 - (sentAtMs + elapsedMs / 2));
  const detail = `this machine's clock is ${Math.abs(skewMs / 1000).toFixed(1)} s ${skewMs > 0 ? 'behind' : 'ahead'}`;
  const remedy = 'Set the clock by NTP (chrony, systemd-timesyncd); containers have that of their host.';
  if (Math.abs(skewMs) >= SKEW_FAIL_MS) return fail(detail, remedy);
  return Math.abs(skewMs) >= SKEW_WARN_MS ? warn(detail, remedy) : ok('in step with the store');
}

export async function checkBucket(setup: Setup): Promise<Judgement> {
  const { bucket } = setup.settings.bucket;
  const client = s3Of(setup);
  try {
    await client.send(new HeadBucketCommand({ Bucket: bucket }));
  } catch (error) {
    const status = statusOf(error);
    if (status === 404)
      return fail(`There is no bucket ${bucket}`, 'Deploy first, or correct FANOUT_BUCKET and the region.');
    if (status === 403)
      return fail(
        `These credentials may not use the bucket ${bucket}`,
        'Allow s3:ListBucket on it: without that a missing manifest cannot be told from one that is not ours.',
      );
    return fail(
      `The bucket ${bucket} cannot be reached: ${messageOf(error)}`,
      "Check FANOUT_S3_ENDPOINT, the network and the store's health.",
    );
  }
  const doubts = [await doubtOfVersioning(client, bucket), await doubtOfPublicAccess(client, bucket)];
  const found = doubts.filter((doubt) => doubt !== '');
  if (found.length === 0) return ok(`${bucket} is there, versioned and not public`);
  return warn(
    `${bucket} is there, but ${found.join(', and ')}`,
    'Deploy the shipped template, or set the bucket up by hand as infra/serverless/record.yml has it.',
  );
}

/** Where S3 is asked when it is not where the SDK expects it: by our setting, or by the SDK's own variables. */
const endpointOf = (shell: Shell, { settings }: Setup): string | undefined =>
  settings.bucket.endpoint ?? variable(shell, 'AWS_ENDPOINT_URL_S3') ?? variable(shell, 'AWS_ENDPOINT_URL');
/** Endpoints of a VPC too, and those of China. */
const AMAZONS = /\.amazonaws\.com(\.cn)?$/;

/** Another maker's S3 has to be seen to do it. */
export async function checkConditions(shell: Shell, setup: Setup): Promise<Judgement> {
  const { settings } = setup;
  const endpoint = endpointOf(shell, setup);
  if (endpoint === undefined || AMAZONS.test(new URL(endpoint).hostname))
    return skipped("Amazon's S3 honours conditions on writes");
  if (settings.role === 'bus-only') return skipped('a further region does not write the record');
  await conditionsCheck(createTrialWrite(settings.bucket), endpoint)();
  return ok('the store honours If-Match and If-None-Match on writes');
}

async function doubtOfVersioning(client: S3Client, Bucket: string): Promise<string> {
  try {
    const { Status } = await client.send(new GetBucketVersioningCommand({ Bucket }));
    return Status === 'Enabled' ? '' : 'without versions, so that nothing can be restored';
  } catch (error) {
    return `whether it has versions is not known (${statusOf(error) || messageOf(error)})`;
  }
}

async function doubtOfPublicAccess(client: S3Client, Bucket: string): Promise<string> {
  try {
    const { PublicAccessBlockConfiguration: block } = await client.send(
      new GetPublicAccessBlockCommand({ Bucket }),
    );
    const isBlocked = [
      block?.BlockPublicAcls,
      block?.BlockPublicPolicy,
      block?.IgnorePublicAcls,
      block?.RestrictPublicBuckets,
    ].every((on) => on === true);
    return isBlocked ? '' : 'public access is not blocked';
  } catch (error) {
    return `whether it can be public is not known (${statusOf(error) || messageOf(error)})`;
  }
}

export async function checkTopic(shell: Shell, { settings, topicArn }: Setup): Promise<Judgement> {
  if (settings.role === 'bus-only') return skipped('a further region sends no notices');
  if (topicArn === null)
    return skipped(
      'FANOUT_TOPIC_ARN is not set',
      "Right for the receiver, which needs none; else take it from the stack's outputs.",
    );
  const endpoint = variable(shell, 'FANOUT_SNS_ENDPOINT');
  const client = new SNSClient({
    ...awsLimits(FUNCTION_LIMITS),
    ...(endpoint === undefined ? {} : { endpoint }),
  });
  try {
    const { Attributes = {} } = await client.send(new GetTopicAttributesCommand({ TopicArn: topicArn }));
    const confirmed = Number(Attributes.SubscriptionsConfirmed ?? 0);
    if (confirmed === 0)
      return fail('The topic has no subscription', 'Deploy again: bridge and reconcile subscribe to it.');
    if (!Attributes.KmsMasterKeyId)
      return warn(
        `not encrypted, ${confirmed} subscriptions`,
        'Deploy the shipped template, which encrypts it.',
      );
    return ok(`encrypted, ${confirmed} subscriptions`);
  } catch (error) {
    const status = statusOf(error);
    if (error instanceof Error && error.name === 'InvalidAction')
      return skipped('this endpoint is not AWS and does not know the question');
    if (status === 404) return fail('There is no such topic', 'Correct FANOUT_TOPIC_ARN.');
    if (status === 403)
      return warn('These credentials may not look at the topic', 'Allow sns:GetTopicAttributes on it.');
    return fail(
      `The topic cannot be asked: ${messageOf(error)}`,
      'Check the ARN, its region and the network.',
    );
  }
}

const statusOf = (error: unknown): number =>
  (error as { $metadata?: { httpStatusCode?: number } })?.$metadata?.httpStatusCode ?? 0;
