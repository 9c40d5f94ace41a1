// The receiver as it is shipped: one process instead of three Lambdas and SNS. A change arrives, a missed webhook is
// healed, a failing store is owned up to, and what it owes outlives it.

import { expect, it } from 'vitest';
import { generateDatafile } from '../../infra/local/optimizely/datafile.ts';
import { flipFlag } from '../../infra/local/optimizely/flip-flag.ts';
import { postWebhook, putDatafile, putFlip, sendWebhook } from '../../infra/local/stack/client.ts';
import type { Stack } from '../../infra/local/stack/stack.ts';
import { GOLDEN } from '../fixtures/golden-webhook.ts';
import { eventually } from '../support/eventually.ts';
import {
  busHeadOf,
  manifestOf,
  recordOf,
  stackForTest,
  untilAllServe,
} from '../support/functions/observe.ts';
import { startReceiver, statusOf } from '../support/functions/receiver.ts';
import { receiverEnv } from '../support/functions/receiver-env.ts';

/** The stack's own functions do nothing in these tests, as no webhook is sent to them. */
const quiet = { agents: 1, datafile: generateDatafile({ flags: 5 }) };

const knob = (stack: Stack, knobs: object) =>
  fetch(`${stack.urls.cdn}/knobs`, { method: 'PUT', body: JSON.stringify(knobs) });

it('takes the signed example of the documentation to an agent, and the forged one nowhere', async () => {
  const { project_id, data } = JSON.parse(GOLDEN.body) as { project_id: number; data: { revision: number } };
  const sdkKey = 'QMVJcUKEJZFg8pQ2jhAybK';
  const revision = data.revision - 1;
  const before = generateDatafile({ flags: 5, projectId: String(project_id), sdkKey, revision });
  const projects = [
    {
      projectId: before.projectId,
      secrets: [GOLDEN.secret],
      datafiles: [{ sdkKey, environment: 'Production' }],
    },
  ];
  const FANOUT_PROJECTS = JSON.stringify(projects);
  const stack = await stackForTest({ agents: 1, datafile: before, lambdaEnv: { FANOUT_PROJECTS } });
  const receiver = await startReceiver(receiverEnv(stack, { FANOUT_PROJECTS }));
  await eventually('it is ready', async () => (await statusOf(`${receiver.url}/health/ready`)) === 200);
  await putDatafile(stack.addresses, flipFlag(before, 'flag_1'));

  const forged = await postWebhook(receiver, Buffer.from(GOLDEN.body), `sha1=${'0'.repeat(40)}`);
  expect(forged.status).toBe(401);
  const untouched = await manifestOf(stack);
  expect(untouched.cause).not.toBe('webhook');

  const response = await postWebhook(receiver, Buffer.from(GOLDEN.body), GOLDEN.signature);
  expect(response.status).toBe(204);
  const manifest = await manifestOf(stack);
  expect(manifest).toMatchObject({ seq: 2, revision: data.revision });
  await untilAllServe(stack, 2);
  expect(await busHeadOf(stack)).toMatchObject({ seq: 2, sha256: manifest.sha256 });
  const metrics = await (await fetch(`${receiver.url}/metrics`)).text();
  expect(metrics).toMatch(/^fanout_receiver_webhook_accepted_total 1$/m);
  expect(metrics).toMatch(/^fanout_receiver_answers_total\{status="401"\} 1$/m);
});

it('heals a webhook that never came, and agents follow', async () => {
  const stack = await stackForTest(quiet);
  await putFlip(stack.addresses, stack.addresses.sdkKey, 'flag_1');
  const receiver = await startReceiver(receiverEnv(stack, { FANOUT_RECONCILE_INTERVAL: '1s' }));
  await untilAllServe(stack, 2);
  expect(await manifestOf(stack)).toMatchObject({ seq: 2, cause: 'reconcile' });
  const beats = () => receiver.lines.filter(({ event }) => event === 'reconcile.finished').length;
  await eventually('it runs again and again', () => beats() >= 3);
});

it('two replicas that are told at once make one change', async () => {
  const stack = await stackForTest(quiet);
  const replicas = await Promise.all([1, 2].map(() => startReceiver(receiverEnv(stack))));
  const datafile = await putFlip(stack.addresses, stack.addresses.sdkKey, 'flag_1');
  const answers = await Promise.all(
    replicas.map(({ webhook }) => sendWebhook({ ...stack.addresses, webhook }, datafile)),
  );
  expect(answers.map(({ status }) => status)).toEqual([204, 204]);
  await untilAllServe(stack, 2);
  expect(await manifestOf(stack)).toMatchObject({ seq: 2, revision: Number(datafile.revision) });
});

it('says 503 while the store is down, since then it can queue nothing either, and stays alive', async () => {
  const stack = await stackForTest(quiet);
  const receiver = await startReceiver(receiverEnv(stack));
  await eventually('it is ready', async () => (await statusOf(`${receiver.url}/health/ready`)) === 200);
  const datafile = await putFlip(stack.addresses, stack.addresses.sdkKey, 'flag_1');
  await stack.parts.s3?.kill('SIGKILL');
  const refused = await sendWebhook({ ...stack.addresses, webhook: receiver.webhook }, datafile);
  expect(refused.status).toBe(503);
  expect(await refused.json()).toMatchObject({ code: 'RECORD_UNAVAILABLE', remedy: expect.any(String) });
  expect(await statusOf(`${receiver.url}/health/live`)).toBe(200);
  await stack.parts.s3?.restart();
  const accepted = await sendWebhook({ ...stack.addresses, webhook: receiver.webhook }, datafile);
  expect(accepted.status).toBe(204);
  await untilAllServe(stack, 2);
});

it('answers 202 while the CDN is late, and another replica keeps the promise after a kill', async () => {
  const stack = await stackForTest(quiet);
  const env = receiverEnv(stack, { FANOUT_FETCH_BUDGET: '500ms' });
  const first = await startReceiver(env);
  await eventually('it is ready', async () => (await statusOf(`${first.url}/health/ready`)) === 200);
  const before = await recordOf(stack);
  await knob(stack, { cdn: { status: 503 }, origin: { status: 503 } });
  const datafile = await putFlip(stack.addresses, stack.addresses.sdkKey, 'flag_1');
  const queued = await sendWebhook({ ...stack.addresses, webhook: first.webhook }, datafile);
  expect(queued.status).toBe(202);
  first.kill('SIGKILL');
  await first.ended;
  expect(await recordOf(stack)).toBe(before);
  await knob(stack, { cdn: { status: null }, origin: { status: null } });
  const second = await startReceiver(env);
  await untilAllServe(stack, 2);
  expect(await manifestOf(stack)).toMatchObject({ revision: Number(datafile.revision) });
  const changeId = first.lines.find(({ event, queued }) => event === 'refetch.queued' && queued)?.changeId;
  await eventually('the refetch is settled under the change id of its webhook', () =>
    second.lines.some((line) => line.event === 'reconcile.key' && line.changeId === changeId && line.result),
  );
});

it('ends cleanly when it is asked to, and answers what was under way', async () => {
  const stack = await stackForTest(quiet);
  const receiver = await startReceiver(receiverEnv(stack));
  await eventually('it is ready', async () => (await statusOf(`${receiver.url}/health/ready`)) === 200);
  const datafile = await putFlip(stack.addresses, stack.addresses.sdkKey, 'flag_1');
  await knob(stack, { cdn: { delayMs: 1_000 }, origin: { delayMs: 1_000 } });
  const answer = sendWebhook({ ...stack.addresses, webhook: receiver.webhook }, datafile);
  await eventually('the webhook is being handled', () =>
    receiver.lines.some(({ event }) => event === 'webhook.received'),
  );
  receiver.kill('SIGTERM');
  expect((await answer).status).toBe(204);
  expect(await receiver.ended).toBe(0);
  expect(receiver.lines.map(({ event }) => event)).toContain('receiver.stopped');
  await untilAllServe(stack, 2);
});
