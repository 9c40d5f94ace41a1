// The main job on the built bundles: a signed webhook changes the decision on every agent, and anything else changes
// nothing.

import { expect, it } from 'vitest';
import { signWebhook } from '../../core/webhook.ts';
import { generateDatafile } from '../../infra/local/optimizely/datafile.ts';
import { flipFlag } from '../../infra/local/optimizely/flip-flag.ts';
import { decide, postWebhook, putDatafile, sendWebhook } from '../../infra/local/stack/client.ts';
import { GOLDEN } from '../fixtures/golden-webhook.ts';
import {
  busHeadOf,
  flip,
  manifestOf,
  parseLine,
  recordOf,
  stackForTest,
  untilAllServe,
} from '../support/functions/observe.ts';

it('a flip reaches every agent with one fetch from the CDN, under one change id', async () => {
  const stack = await stackForTest({ agents: 3 });
  const { addresses } = stack;
  const before = await Promise.all(
    addresses.agents.map(({ api }) => decide(api, addresses.sdkKey, 'flag_1')),
  );
  const statsBefore = await statsOf(addresses.cdn);

  const { webhookStatus, datafile } = await flip(stack);
  expect(webhookStatus).toBe(204);
  const manifest = await manifestOf(stack);
  expect(manifest).toMatchObject({ seq: 2, revision: Number(datafile.revision), cause: 'webhook' });
  await untilAllServe(stack, 2);

  const after = await Promise.all(addresses.agents.map(({ api }) => decide(api, addresses.sdkKey, 'flag_1')));
  expect(after.map(({ enabled }) => enabled)).toEqual(before.map(({ enabled }) => !enabled));
  expect(await busHeadOf(stack)).toMatchObject({
    seq: 2,
    lineage: manifest.lineage,
    sha256: manifest.sha256,
  });
  expect((await statsOf(addresses.cdn)).fetches - statsBefore.fetches).toBe(1);
  for (const part of [stack.parts.webhook, ...stack.agents.map((agent) => agent.part)]) {
    const ids = part.lines.map(parseLine).filter((line) => line?.changeId === manifest.changeId);
    expect(ids.length).toBeGreaterThan(0);
  }
});

it('the signed example of the documentation publishes its revision', async () => {
  const { project_id, data } = JSON.parse(GOLDEN.body) as { project_id: number; data: { revision: number } };
  const sdkKey = 'QMVJcUKEJZFg8pQ2jhAybK';
  const before = generateDatafile({
    flags: 5,
    projectId: String(project_id),
    sdkKey,
    revision: data.revision - 1,
  });
  const datafiles = [{ sdkKey, environment: 'Production' }];
  const projects = [{ projectId: before.projectId, secrets: [GOLDEN.secret], datafiles }];
  const stack = await stackForTest({
    agents: 1,
    datafile: before,
    lambdaEnv: { FANOUT_PROJECTS: JSON.stringify(projects) },
  });
  await putDatafile(stack.addresses, flipFlag(before, 'flag_1'));
  const response = await postWebhook(stack.addresses, Buffer.from(GOLDEN.body), GOLDEN.signature);
  expect(response.status).toBe(204);
  expect(await manifestOf(stack)).toMatchObject({ seq: 2, revision: data.revision });
  await untilAllServe(stack, 2);
});

it('a webhook that is not right gets its answer, and nothing changes', async () => {
  const stack = await stackForTest({ agents: 1 });
  const { addresses } = stack;
  const next = generateDatafile({ revision: 999 });
  const event = (change: object) =>
    Buffer.from(
      JSON.stringify({
        timestamp: 1,
        project_id: Number(addresses.projectId),
        event: 'project.datafile_updated',
        data: { cdn_url: `https://cdn.optimizely.com/datafiles/${addresses.sdkKey}.json`, revision: 999 },
        ...change,
      }),
    );
  const good = event({});
  const signature = signWebhook(good, addresses.webhookSecret);
  const signed = (body: Buffer) => signWebhook(body, addresses.webhookSecret);
  const changed = Buffer.from(good);
  changed[20] = (changed[20] ?? 0) ^ 1;
  const tooLarge = Buffer.alloc(64 * 1024 + 1, 0x20);
  const list = event({ data: [{ id: 1 }] });
  const other = event({ event: 'project.change_approved' });
  const foreign = event({ project_id: 1 });
  const notJson = Buffer.from('{"project_id": ');

  const before = await recordOf(stack);
  for (const [what, body, sent, status] of [
    ['one byte changed', changed, signature, 401],
    ['a truncated signature', good, signature.slice(0, -1), 401],
    ['sha256=', good, signature.replace('sha1=', 'sha256='), 401],
    ['no signature', good, undefined, 401],
    ['64 KiB + 1', tooLarge, signed(tooLarge), 413],
    ['an array as data', list, signed(list), 400],
    ['not JSON', notJson, signed(notJson), 400],
    ['an unknown event', other, signed(other), 204],
    ['an unknown project', foreign, signed(foreign), 204],
  ] as const) {
    const response = await postWebhook(addresses, body, sent);
    expect({ what, status: response.status }).toEqual({ what, status });
  }
  expect((await sendWebhook(addresses, next, 'not the secret')).status).toBe(401);
  expect(await recordOf(stack)).toBe(before);
});

async function statsOf(cdn: string): Promise<{ fetches: number }> {
  return (await fetch(`${cdn}/stats`)).json() as Promise<{ fetches: number }>;
}
