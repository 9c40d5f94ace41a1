// The documents' commands, run in order as a reader runs them: on a local stack, and on a deployment `prod` whose substance is
// that stack, with stand-ins for what AWS and Optimizely say of it. What needs the AWS CLI is run by `npm run verify`.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sampleDatafile } from '../../infra/local/optimizely/sample.ts';
import { stackPlace, writeStack } from '../../infra/local/stack/address-file.ts';
import { putFlip, sendWebhook } from '../../infra/local/stack/client.ts';
import { type Stack, startStack } from '../../infra/local/stack/stack.ts';
import { documentsWith } from '../docs/blocks.ts';
import { type Ran, runDocument } from '../docs/run.ts';
import { CloudWatch } from '../infra/cli/support/cloudwatch.ts';
import { ControlPlane } from '../infra/cli/support/control-plane.ts';
import { Optimizely, TOKEN } from '../infra/cli/support/optimizely.ts';

const PROJECTS_SECRET = 'datafile-fanout/projects';

let stack: Stack;
let plane: ControlPlane;
let optimizely: Optimizely;
let cloudWatch: CloudWatch;
let file: string;

beforeAll(async () => {
  const place = stackPlace(
    process.pid,
    join(await mkdtemp(join(tmpdir(), 'datafile-fanout-docs-')), 'stack.json'),
  );
  stack = await startStack({ agents: 1, datafile: sampleDatafile(), logsDir: place.logsDir });
  file = place.file;
  const run = { pid: process.pid, startedAtMs: Date.now(), logsDir: place.logsDir, env: stack.operatorEnv };
  await writeStack(place, { ...stack.addresses, run });
  // Two revisions, so that there is one to go back to.
  await flip();
  await flip();
  [plane, optimizely, cloudWatch] = await Promise.all([
    new ControlPlane().start(),
    new Optimizely(stack.addresses.projectId).start(),
    new CloudWatch().start(),
  ]);
  deployProd();
  return () => rm(dirname(file), { recursive: true, force: true });
});
afterAll(async () => {
  await Promise.all([plane?.stop(), optimizely?.stop(), cloudWatch?.stop()]);
  await stack?.stop();
});

async function flip(): Promise<void> {
  const { addresses } = stack;
  const response = await sendWebhook(addresses, await putFlip(addresses, addresses.sdkKey, 'checkout'));
  expect(response.status).toBe(204);
}

/** As docs/deploy-aws.md has it: settings as variables of the functions, projects and bus user in secrets. */
function deployProd(): void {
  const { FANOUT_PROJECTS = '', FANOUT_WEBHOOK_SECRET: _, ...settings } = stack.operatorEnv;
  const variables = Object.entries(settings).filter(([name]) => name.startsWith('FANOUT_'));
  const shared = {
    ...Object.fromEntries(variables),
    FANOUT_PROJECTS_SECRET: PROJECTS_SECRET,
    FANOUT_NATS_SECRET: 'datafile-fanout/nats',
  };
  plane.secrets.set(PROJECTS_SECRET, FANOUT_PROJECTS);
  plane.secrets.set('datafile-fanout/nats', JSON.stringify({ user: 'publisher', password: 'any' }));
  for (const name of ['webhook', 'reconcile']) plane.functions.set(`datafile-fanout-prod-${name}`, shared);
  const { webhook, s3 } = stack.addresses;
  plane.stacks.set('datafile-fanout-prod', { WebhookUrl: webhook, FanoutBucketName: s3.bucket });
  const { sdkKey } = stack.addresses;
  const moved = { changeId: 'c-1', sdkKey, seq: 2, revision: 2, cause: 'webhook', latencyMs: 40 };
  cloudWatch.find = () => [{ '@timestamp': '2026-01-31 12:00:00.000', ...moved }];
}

/** What a reader would have of their own. */
const fillIn = () => ({
  AnSdkKey: stack.addresses.sdkKey,
  '12345678901': stack.addresses.projectId,
  'OPTIMIZELY_API_TOKEN=…': `OPTIMIZELY_API_TOKEN=${TOKEN}`,
  ' 458 ': ' 2 ',
});

function expectDone({ code, last, output, blocks }: Ran): void {
  expect(code, `after ${last} (of ${blocks} blocks):\n${output.slice(-3_000)}`).toBe(0);
  expect(output).not.toContain(stack.addresses.webhookSecret);
}

it.each(documentsWith('local'))('%s runs on the local stack', async (document) => {
  const env = { FANOUT_STACK_FILE: file };
  expectDone(await runDocument(document, 'local', { env, fillIn: fillIn() }));
});

it.each(documentsWith('stage'))('%s runs on a deployment', async (document) => {
  const env = {
    ...cloudWatch.env,
    ...plane.env,
    AWS_REGION: 'us-east-1',
    OPTIMIZELY_API_URL: optimizely.url,
    OPTIMIZELY_API_TOKEN: TOKEN,
    AWS_MAX_ATTEMPTS: '2',
  };
  expectDone(await runDocument(document, 'stage', { env, fillIn: fillIn() }));
});
