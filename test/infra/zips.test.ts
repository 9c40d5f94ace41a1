// The very zips that are deployed, run behind Lambda's runtime API against a real nats-server and stand-ins of S3, SNS, the
// CDN and Secrets Manager: a change goes webhook → record → bus, over SNS to the bridge, and reconcile heals the rest.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SdkKey, toSdkKey } from '../../core/ids.ts';
import { signWebhook } from '../../core/webhook.ts';
import { NatsBus } from '../../functions/bus/bus.ts';
import { createBucket } from '../../functions/record/bucket.ts';
import { LAMBDA_NAMES } from '../../infra/build.ts';
import { createS3StandIn } from '../../infra/local/aws/s3.ts';
import { createSnsStandIn } from '../../infra/local/aws/sns.ts';
import { createCdnStandIn } from '../../infra/local/optimizely/cdn.ts';
import {
  type DatafileJson,
  generateDatafile,
  LOCAL_PROJECT_ID,
} from '../../infra/local/optimizely/datafile.ts';
import { flipFlag } from '../../infra/local/optimizely/flip-flag.ts';
import { putDatafile, webhookBody } from '../../infra/local/stack/client.ts';
import { lambdaEnv, sdkKeyOf } from '../../infra/local/stack/env.ts';
import { ensureBucket } from '../../infra/local/stack/s3.ts';
import { systemClock as clock } from '../../infra/local/tools/clock.ts';
import {
  answerJson,
  type HttpHandler,
  type HttpServer,
  readBody,
  serveHttp,
} from '../../infra/local/tools/http.ts';
import { packagedZip, packageService } from '../../infra/package.ts';
import { startTestNats, type TestNats } from '../support/bus/nats.ts';
import { eventually } from '../support/eventually.ts';
import { LambdaRuntime, type Outcome } from '../support/functions/lambda-runtime.ts';

const SECRET = 'the-webhook-secret';
const BUCKET = 'zips';
const BODY_BYTES_MAX = 1024 * 1024;

let datafile: DatafileJson = generateDatafile({ flags: 3 });
const sdkKey: SdkKey = toSdkKey(sdkKeyOf(datafile));
let nats: TestNats;
let bus: NatsBus;
let cdn: string;
let record: ReturnType<typeof createBucket>;
const servers: HttpServer[] = [];
const bridgeOutcomes: Outcome[] = [];
const [webhook, bridge, reconcile] = [new LambdaRuntime(), new LambdaRuntime(), new LambdaRuntime()];
const runtimes = { webhook, bridge, reconcile };

async function serve(handler: HttpHandler): Promise<string> {
  const server = await serveHttp(handler, 0);
  servers.push(server);
  return server.url;
}

const secrets =
  (values: Readonly<Record<string, unknown>>): HttpHandler =>
  async (request, response) => {
    const { SecretId } = JSON.parse((await readBody(request, BODY_BYTES_MAX)).toString());
    answerJson(response, 200, { SecretString: JSON.stringify(values[SecretId]) });
  };

const invoked =
  (runtime: LambdaRuntime, outcomes: Outcome[] = []): HttpHandler =>
  async (request, response) => {
    const outcome = await runtime.invoke(JSON.parse((await readBody(request, BODY_BYTES_MAX)).toString()));
    outcomes.push(outcome);
    answerJson(response, 'error' in outcome ? 500 : 200, null);
  };

beforeAll(async () => {
  await packageService({ built: true });
  nats = await startTestNats();
  bus = new NatsBus({ servers: [nats.wsUrl], replicas: 1 }, clock);
  cdn = await serve(createCdnStandIn({ clock }));
  await putDatafile({ cdn }, datafile);
  const s3 = await serve(createS3StandIn({ clock }));
  const subscriptions = [
    { functionName: 'bridge', invokeUrl: await serve(invoked(bridge, bridgeOutcomes)), kind: 'published' },
    { functionName: 'reconcile', invokeUrl: await serve(invoked(reconcile)), kind: 'refetch' },
  ];
  const sns = await serve(createSnsStandIn({ clock, subscriptions, retryDelaysMs: [] }));
  const urls = { webhook: '', bridge: '', reconcile: '', cdn, s3, sns, nats: nats.url, natsWs: nats.wsUrl };
  const facts = { urls, bucket: BUCKET, webhookSecret: SECRET, datafiles: [datafile], usesForeignS3: false };
  const { FANOUT_PROJECTS = '', ...env } = lambdaEnv(facts, {});
  const store = { 'the/projects': JSON.parse(FANOUT_PROJECTS), 'the/nats': { user: 'u', password: 'p' } };
  await ensureBucket(s3, BUCKET, env);
  Object.assign(process.env, {
    AWS_REGION: env.AWS_REGION,
    AWS_ACCESS_KEY_ID: 'x',
    AWS_SECRET_ACCESS_KEY: 'x',
  });
  record = createBucket({ bucket: BUCKET, endpoint: s3 });
  const lambda = {
    ...env,
    FANOUT_PROJECTS_SECRET: 'the/projects',
    FANOUT_NATS_SECRET: 'the/nats',
    AWS_ENDPOINT_URL_SECRETS_MANAGER: await serve(secrets(store)),
  };
  for (const name of LAMBDA_NAMES) await runtimes[name].start(packagedZip(name), lambda);
});

afterAll(async () => {
  for (const runtime of Object.values(runtimes)) await runtime.stop();
  bus?.reset();
  for (const server of servers) await server.close();
  await nats?.close();
});

const seqOnBus = async () => (await bus.readHead(sdkKey))?.head?.seq;
const seqInRecord = async () => (await record.readManifest(sdkKey))?.manifest.seq;

function apiEvent(body: string, signature: string) {
  const http = { method: 'POST', path: '/webhooks/optimizely' };
  return {
    version: '2.0',
    rawPath: http.path,
    headers: { 'x-hub-signature': signature, 'content-type': 'application/json' },
    body,
    isBase64Encoded: false,
    requestContext: { stage: '$default', requestId: 'zips', http },
  };
}

async function flipAndSend(secret: string): Promise<Outcome> {
  datafile = flipFlag(datafile, 'flag_1');
  await putDatafile({ cdn }, datafile);
  const body = webhookBody({ cdn }, datafile, Math.floor(Date.now() / 1000));
  return webhook.invoke(apiEvent(body.toString(), signWebhook(body, secret)));
}

describe('the packaged zips', () => {
  it('reconcile imports what the record does not have, makes the stream and announces it', async () => {
    expect(await reconcile.invoke({ source: 'aws.events' })).toEqual({ result: null });
    expect(await seqInRecord()).toBe(1);
    expect(await seqOnBus()).toBe(1);
  });

  it('the webhook refuses a forged change, and records and announces a signed one', async () => {
    expect(await flipAndSend('forged')).toMatchObject({ result: { statusCode: 401 } });
    expect(await seqInRecord()).toBe(1);
    expect(await flipAndSend(SECRET)).toMatchObject({ result: { statusCode: 204 } });
    expect(await seqInRecord()).toBe(2);
    expect(await seqOnBus()).toBe(2);
  });

  it('the bridge hears of it over SNS and finds the work done', async () => {
    await eventually('the bridge was invoked', () => bridgeOutcomes.length > 0);
    expect(bridgeOutcomes).toEqual([{ result: null }]);
  });

  it('the bridge announces on a bus that lost everything', async () => {
    await nats.part.stop();
    await nats.part.start();
    const { connect } = await import('nats.ws');
    const admin = await connect({ servers: nats.wsUrl });
    await (await admin.jetstreamManager()).streams.purge('DATAFILES');
    await admin.close();
    const manifest = (await record.readManifest(sdkKey))?.manifest;
    const notice = {
      schema: 1,
      kind: 'published',
      sdkKey,
      seq: 2,
      revision: manifest?.revision,
      changeId: 'c',
    };
    const event = { Records: [{ Sns: { Message: JSON.stringify(notice) } }] };
    expect(await bridge.invoke(event)).toEqual({ result: null });
    expect(await seqOnBus()).toBe(2);
  });

  it('a notice that cannot be read fails the invocation, for Lambda to keep', async () => {
    const event = { Records: [{ Sns: { Message: '{' } }] };
    expect(await bridge.invoke(event)).toMatchObject({ error: { errorType: 'FanoutError' } });
  });

  it('says nothing of secrets in any line', () => {
    const lines = Object.values(runtimes).flatMap((runtime) => runtime.lines);
    expect(lines.length).toBeGreaterThan(5);
    expect(lines.join('\n')).not.toContain(SECRET);
    expect(lines.join('\n')).toContain(LOCAL_PROJECT_ID);
  });
});
