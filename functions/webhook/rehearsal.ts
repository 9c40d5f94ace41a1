// Runs a change through everything that a webhook runs through, before the first one comes: code that has never run takes ten
// times as long, and webhooks are so rare that nearly each of them finds a function that has just started. On data of our own,
// with stores in memory: nothing leaves the process, and nothing of it is logged, counted or kept.

import { Readable } from 'node:stream';
import { rehearsalDatafile } from '../../core/datafile/rehearsal.ts';
import { toSdkKey } from '../../core/ids.ts';
import type { Project } from '../../core/projects.ts';
import { DATAFILE_UPDATED, signWebhook, WEBHOOK_PATH } from '../../core/webhook.ts';
import { FUNCTION_LIMITS } from '../../io/aws-limits.ts';
import { s3ClientOf } from '../../io/s3.ts';
import { createTopic, topicClientOf } from '../bus/topic.ts';
import type { Bus, Cdn, Deps } from '../ports.ts';
import { createBucket } from '../record/bucket.ts';
import { withMemory } from '../record/record-memory.ts';
import { unchanging } from '../settings/refreshing-secret.ts';
import type { WriterSettings } from '../settings/settings.ts';
import { receiveWebhook } from './receive-webhook.ts';

/**
 * A first webhook took 125 ms of processor without a rehearsal, 92 after three rounds and 44 after ten, of which 26 are what it
 * takes when it is warm. Ten cost the start 240 ms of the same slow processor.
 */
const ROUNDS = 10;
const FETCH_BUDGET_MS = 1_000;
const MAX_PAYLOAD_BYTES = 1024 * 1024;
const SDK_KEY = toSdkKey('Rehearsal');
const PROJECT: Project = {
  projectId: '1',
  secrets: ['rehearsal'],
  datafiles: [{ sdkKey: SDK_KEY, environment: 'production' }],
};

/** @throws Error where a rehearsed webhook was not taken, which says nothing about real ones */
export async function rehearse(
  deps: Deps,
  settings: Pick<WriterSettings, 'bucket' | 'topic'>,
  timeIsUp?: AbortSignal,
): Promise<void> {
  const script = { revision: 0 };
  const quiet = quietDeps(deps, settings, script);
  const projects = unchanging(new Map([[PROJECT.projectId, PROJECT]]));
  for (let round = 1; round <= ROUNDS && timeIsUp?.aborted !== true; round++) {
    script.revision = round;
    const rawBody = webhookOf(round, deps.clock.nowMs());
    const { status } = await receiveWebhook(
      quiet,
      { projects, fetchBudgetMs: FETCH_BUDGET_MS, guard: null },
      {
        method: 'POST',
        path: WEBHOOK_PATH,
        rawBody,
        signature: signWebhook(rawBody, 'rehearsal'),
        requestId: `rehearsal-${round}`,
      },
    );
    if (status !== 204) throw new Error(`The rehearsed webhook was answered ${status}, not 204`);
  }
}

function webhookOf(revision: number, nowMs: number): Uint8Array {
  const data = { revision, environment: 'Production', cdn_url: '', origin_url: '' };
  const timestamp = Math.floor(nowMs / 1000);
  return Buffer.from(JSON.stringify({ timestamp, project_id: 1, event: DATAFILE_UPDATED, data }));
}

/** The real work with the real clients' code, none of which reaches a network. */
function quietDeps(
  deps: Deps,
  { bucket, topic }: Pick<WriterSettings, 'bucket' | 'topic'>,
  script: { readonly revision: number },
): Deps {
  const s3 = s3ClientOf(bucket, FUNCTION_LIMITS);
  answerFromMemory(s3);
  const sns = topicClientOf(topic.endpoint);
  answerPublished(sns);
  return {
    ...deps,
    record: withMemory(createBucket(bucket, s3)),
    topic: createTopic(topic, sns),
    bus: EMPTY_BUS,
    cdn: cdnOf(script),
    log: { info: () => {}, warn: () => {}, error: () => {} },
    metrics: { count: () => {}, timeMs: () => {} },
  };
}

const cdnOf = (script: { readonly revision: number }): Cdn => ({
  viasOf: () => ['cdn'],
  fetch: async () => ({
    kind: 'body',
    body: rehearsalDatafile({ sdkKey: SDK_KEY, projectId: PROJECT.projectId, revision: script.revision }),
    validators: { etag: `"${script.revision}"`, lastModifiedMs: null },
  }),
});

const EMPTY_BUS: Bus = {
  readHead: async () => null,
  publish: async () => 'published',
  payloadBytesMax: async () => MAX_PAYLOAD_BYTES,
  sendBeat: async () => {},
  ensureStream: async () => 'as-wanted',
  reset: () => {},
};

/** What of the SDK's requests and answers is used here. */
interface Sent {
  readonly method: string;
  readonly path: string;
  readonly body?: Uint8Array;
}

/** In place of the connection, so that all of the SDK above it runs. */
function answerFromMemory(client: ReturnType<typeof s3ClientOf>): void {
  const objects = new Map<string, Uint8Array>();
  answerHere(client, ({ method, path, body }) => {
    if (method === 'PUT') objects.set(path, body ?? new Uint8Array());
    const found = objects.get(path);
    if (found === undefined) return { status: 404, body: '<Error><Code>NoSuchKey</Code></Error>' };
    return { status: 200, body: method === 'PUT' ? '' : found };
  });
}

const answerPublished = (client: ReturnType<typeof topicClientOf>): void =>
  answerHere(client, () => ({
    status: 200,
    body: '<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>',
  }));

/** As much of a client's middleware as is used here; S3's and SNS's differ in the commands that they name. */
interface Stack {
  add(
    middleware: () => (args: { readonly request: unknown }) => Promise<{ readonly response: unknown }>,
    options: { readonly step: 'deserialize'; readonly priority: 'low'; readonly name: string },
  ): void;
}

/** The step below the one that reads answers: where the SDK would ask the network. */
function answerHere(
  client: { readonly middlewareStack: unknown },
  answerTo: (sent: Sent) => { readonly status: number; readonly body: string | Uint8Array },
): void {
  (client.middlewareStack as Stack).add(
    () => async (args) => {
      const { status, body } = answerTo(args.request as Sent);
      const headers = { etag: '"rehearsal"', 'content-type': 'application/xml' };
      return { response: { statusCode: status, headers, body: Readable.from([Buffer.from(body)]) } };
    },
    { step: 'deserialize', priority: 'low', name: 'rehearsal' },
  );
}
