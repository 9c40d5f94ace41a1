// What an end-to-end test watches while a stack runs: the record, the bus's head, every datafile an agent took, and
// decisions asked without a pause. Reads only; how the stack is hurt is the test's business.

import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { connect } from 'nats.ws';
import { expect, onTestFinished } from 'vitest';
import { decodeHead, type EnvelopeHead } from '../../../core/bus/envelope.ts';
import { type SdkKey, toSdkKey } from '../../../core/ids.ts';
import type { Manifest } from '../../../core/record/manifest.ts';
import { decodeManifest } from '../../../core/record/manifest-codec.ts';
import {
  bodyKey,
  datafileSubject,
  encodeSdkKey,
  manifestKey,
  STREAM_NAME,
} from '../../../core/record/names.ts';
import type { DatafileJson } from '../../../infra/local/optimizely/datafile.ts';
import { decide, putFlip, sendWebhook } from '../../../infra/local/stack/client.ts';
import type { StackOptions } from '../../../infra/local/stack/options.ts';
import type { Part } from '../../../infra/local/stack/part.ts';
import { type Stack, startStack } from '../../../infra/local/stack/stack.ts';
import { eventually } from '../eventually.ts';

/**
 * A stack that ends with the test. Reconcile runs only when the test asks, unless it sets an interval. With S3_ENDPOINT
 * set it writes to that store, by the credentials in the environment.
 */
export async function stackForTest(options: StackOptions = {}): Promise<Stack> {
  const s3Endpoint = process.env.S3_ENDPOINT;
  const store = s3Endpoint ? { s3Endpoint } : {};
  const stack = await startStack({ reconcileIntervalMs: null, ...store, ...options });
  onTestFinished(() => stack.stop());
  return stack;
}

export const sdkKeyOfStack = (stack: Stack): SdkKey => toSdkKey(stack.addresses.sdkKey);

function s3Of(stack: Stack): S3Client {
  const { AWS_ACCESS_KEY_ID = 'local', AWS_SECRET_ACCESS_KEY = 'local', AWS_REGION } = process.env;
  return new S3Client({
    endpoint: stack.addresses.s3.endpoint,
    region: AWS_REGION ?? 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY },
  });
}

export async function manifestOf(stack: Stack, sdkKey: SdkKey = sdkKeyOfStack(stack)): Promise<Manifest> {
  const s3 = s3Of(stack);
  const object = await s3.send(
    new GetObjectCommand({ Bucket: stack.addresses.s3.bucket, Key: manifestKey(sdkKey) }),
  );
  const bytes = await object.Body?.transformToByteArray();
  s3.destroy();
  return decodeManifest(bytes ?? new Uint8Array(), sdkKey);
}

/** Hashes of the archived bodies, in no order. */
export async function archivedHashes(stack: Stack, sdkKey: SdkKey = sdkKeyOfStack(stack)): Promise<string[]> {
  const s3 = s3Of(stack);
  const hashes: string[] = [];
  let ContinuationToken: string | undefined;
  do {
    const page = await s3.send(
      new ListObjectsV2Command({
        Bucket: stack.addresses.s3.bucket,
        Prefix: `datafiles/${encodeSdkKey(sdkKey)}/bodies/`,
        ContinuationToken,
      }),
    );
    for (const { Key = '' } of page.Contents ?? [])
      hashes.push(Key.split('/').at(-1)?.replace('.json', '') ?? '');
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken !== undefined);
  s3.destroy();
  return hashes;
}

/** Everything in the bucket that a change could move, as comparable text. */
export async function recordOf(stack: Stack): Promise<string> {
  const [manifest, hashes] = [await manifestOf(stack), await archivedHashes(stack)];
  return JSON.stringify({ manifest, hashes: hashes.sort() });
}

export async function bodyOf(stack: Stack, manifest: Manifest): Promise<Buffer> {
  const s3 = s3Of(stack);
  const Key = bodyKey(manifest.sdkKey, manifest.sha256);
  const object = await s3.send(new GetObjectCommand({ Bucket: stack.addresses.s3.bucket, Key }));
  const bytes = await object.Body?.transformToByteArray();
  s3.destroy();
  return Buffer.from(bytes ?? []);
}

/** A write to the bucket from outside the project. */
export async function putInBucket(stack: Stack, Key: string, Body: Uint8Array): Promise<void> {
  const s3 = s3Of(stack);
  await s3.send(new PutObjectCommand({ Bucket: stack.addresses.s3.bucket, Key, Body }));
  s3.destroy();
}

/** Head of the key's subject in the stream. */
export async function busHeadOf(stack: Stack, sdkKey: SdkKey = sdkKeyOfStack(stack)): Promise<EnvelopeHead> {
  const connection = await connect({ servers: stack.urls.natsWs, reconnect: false });
  try {
    const message = await connection.request(
      `$JS.API.DIRECT.GET.${STREAM_NAME}.${datafileSubject(sdkKey)}`,
      undefined,
      { timeout: 5_000 },
    );
    return decodeHead((name) => message.headers?.get(name) ?? '');
  } finally {
    await connection.close();
  }
}

/** A log line of ours, of a Lambda or an agent. */
export interface LogLine {
  readonly event: string;
  readonly [field: string]: unknown;
}

export function parseLine(line: string): LogLine | null {
  if (!line.startsWith('{')) return null;
  try {
    const value = JSON.parse(line) as Record<string, unknown>;
    return typeof value.event === 'string' ? (value as LogLine) : null;
  } catch {
    return null; // Another process's words, not a log line.
  }
}

/** Every log line from now on: a part itself keeps only the last few thousand. */
export function collectLines(part: Part): LogLine[] {
  const lines = part.lines.flatMap((line) => parseLine(line) ?? []);
  part.onLine((line) => {
    const parsed = parseLine(line);
    if (parsed !== null) lines.push(parsed);
  });
  return lines;
}

/** Lineage and seq of every datafile that an agent took, in order. */
export function acceptedIn(lines: readonly LogLine[]): { lineage: string; seq: number; source: string }[] {
  return lines
    .filter(({ event }) => event === 'candidate.accepted')
    .map(({ lineage, seq, source }) => ({
      lineage: String(lineage),
      seq: Number(seq),
      source: String(source),
    }));
}

/** As in the app: the CDN gets the next revision with the flag turned round, then the webhook is sent. */
export async function flip(
  stack: Stack,
  flagKey = 'flag_1',
): Promise<{ datafile: DatafileJson; webhookStatus: number }> {
  const { addresses } = stack;
  const datafile = await putFlip(addresses, addresses.sdkKey, flagKey);
  const response = await sendWebhook(addresses, datafile);
  await response.arrayBuffer();
  return { datafile, webhookStatus: response.status };
}

/** Invariant 1, over a whole life of an agent. A restart begins a new life, which may take the cached one again. */
export function expectNeverBack(accepted: readonly { lineage: string; seq: number }[]): void {
  const back = accepted.filter((one, i) => {
    const before = accepted[i - 1];
    return before !== undefined && before.lineage === one.lineage && before.seq >= one.seq;
  });
  expect(back).toEqual([]);
}

/** Resolves when every agent serves the given seq; returns when each did, ms after the call. */
export function untilAllServe(
  stack: Stack,
  seq: number,
  flagKey = 'flag_1',
  timeoutMs = 20_000,
): Promise<number[]> {
  const startMs = Date.now();
  return Promise.all(
    stack.agents.map((agent) =>
      eventually(
        `${agent.api} serves seq ${seq}`,
        async () => {
          const decision = await decide(agent.api, stack.addresses.sdkKey, flagKey);
          return decision.seq >= seq && Date.now() - startMs;
        },
        timeoutMs,
      ),
    ),
  );
}

const ASK_PAUSE_MS = 10;

/** Asks every agent for a decision over and over until stopped. */
export function askWithoutPause(apis: readonly string[], sdkKey: string) {
  let asked = 0;
  let stopped = false;
  const failures: string[] = [];
  const wentBack: string[] = [];
  const ask = async (api: string) => {
    let seqBefore = 0;
    while (!stopped) {
      asked++;
      try {
        const { seq } = await decide(api, sdkKey, 'flag_1');
        if (seq < seqBefore) wentBack.push(`${api}: ${seqBefore} → ${seq}`);
        seqBefore = seq;
      } catch (error) {
        failures.push(`${api}: ${String(error)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, ASK_PAUSE_MS));
    }
  };
  const asking = Promise.all(apis.map(ask));
  return {
    async stop() {
      stopped = true;
      await asking;
      return { asked, failures, wentBack };
    },
  };
}
