// The agent's own webhook port without a receiver: who is believed, and what is fetched.

import { describe, expect, it, onTestFinished } from 'vitest';
import type { WebhookProject } from '../../../agent/config.ts';
import { toSdkKey } from '../../../core/ids.ts';
import { signWebhook, WEBHOOK_BODY_BYTES_MAX } from '../../../core/webhook.ts';
import { eventually } from '../../support/eventually.ts';
import { serves, startAgent } from '../support/agent.ts';
import { datafileBody, KEY, MemoryRecord, OTHER_KEY, PROJECT_ID } from '../support/fakes.ts';
import { TestCdn } from '../support/http.ts';

const SECRET = 'not-a-real-secret';
const SIBLING = toSdkKey('SiblingKeyOfTheProject');

const project = (overrides: Partial<WebhookProject> = {}): WebhookProject => ({
  ...{ sdkKeys: [KEY, SIBLING], secret: SECRET, skipSignatureCheck: false },
  ...overrides,
});

const updated = (revision: number, sdkKey: string = KEY, projectId = Number(PROJECT_ID)) =>
  JSON.stringify({
    ...{ timestamp: 1_700_000_000, project_id: projectId, event: 'project.datafile_updated' },
    data: { revision, environment: 'Production', cdn_url: `https://cdn.invalid/datafiles/${sdkKey}.json` },
  });

interface SetUp {
  readonly record?: MemoryRecord;
  readonly project?: WebhookProject;
  readonly env?: Record<string, string>;
}

async function setUp({ record, project: configured = project(), env = {} }: SetUp = {}) {
  const agent = await startAgent({
    ...(record === undefined ? {} : { record }),
    env: { FANOUT_S3_POLL_INTERVAL: '1h', OPTIMIZELY_CLIENT_POLLINGINTERVAL: '1h', ...env },
    settings: { webhook: { port: 0, receiverUrl: null, projects: new Map([[PROJECT_ID, configured]]) } },
  });
  const url = `http://127.0.0.1:${agent.webhookPort}/webhooks/optimizely`;
  const post = async (body: string, headers: Record<string, string> = {}) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });
    return { status: response.status, body: await response.text() };
  };
  const send = (body: string) => post(body, { 'x-hub-signature': signWebhook(Buffer.from(body), SECRET) });
  return { agent, post, send };
}

describe('a webhook', () => {
  it('makes the agent look in S3 at once', async () => {
    const record = new MemoryRecord();
    record.publish(KEY, datafileBody(1));
    const { agent, send } = await setUp({ record });
    await serves(agent, 1, 1);
    record.publish(KEY, datafileBody(2));
    expect(await send(updated(2))).toEqual({ status: 204, body: '' });
    await serves(agent, 2, 2);
  });

  it('makes an agent without S3 look at the CDN', async () => {
    const cdn = await new TestCdn().start();
    onTestFinished(() => cdn.close());
    cdn.bodies.set(KEY, datafileBody(1));
    const { agent, send } = await setUp({
      env: { OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: cdn.template },
    });
    await serves(agent, 0, 1);
    cdn.bodies.set(KEY, datafileBody(2));
    await send(updated(2));
    await serves(agent, 0, 2);
  });

  it('makes nobody look for other keys of the project, or for keys of other projects', async () => {
    const cdn = await new TestCdn().start();
    onTestFinished(() => cdn.close());
    for (const sdkKey of [KEY, SIBLING, OTHER_KEY]) cdn.bodies.set(sdkKey, datafileBody(1, { sdkKey }));
    const { agent, send } = await setUp({
      env: {
        OPTIMIZELY_SDKKEYS: [KEY, SIBLING, OTHER_KEY].join(),
        OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: cdn.template,
      },
    });
    await eventually('all datafiles', () => agent.agent.status.ready());
    const asked = () => cdn.seen.map(({ url }) => decodeURIComponent(url));
    const before = asked().length;
    cdn.bodies.set(SIBLING, datafileBody(2, { sdkKey: SIBLING }));
    expect((await send(updated(2, OTHER_KEY))).status).toBe(204);
    expect((await send(updated(2, 'NotServedHere'))).status).toBe(204);
    expect((await send(updated(2, KEY, 4711))).status).toBe(204);
    expect((await send(updated(2, SIBLING))).status).toBe(204);
    await eventually('the change', () => asked().length > before);
    expect(asked().slice(before)).toEqual([`/datafiles/${SIBLING}.json`]);
  });

  it.each([
    ['no signature', {}],
    ['a wrong one', { 'x-hub-signature': `sha1=${'0'.repeat(40)}` }],
    ['one of another secret', { 'x-hub-signature': signWebhook(Buffer.from(updated(2)), 'another') }],
  ])('with %s changes nothing', async (_, headers) => {
    const record = new MemoryRecord();
    record.publish(KEY, datafileBody(1));
    const { agent, post } = await setUp({ record });
    await serves(agent, 1, 1);
    const reads = record.reads.manifest;
    expect(await post(updated(2), headers)).toEqual({
      status: 400,
      body: '{"error":"Computed signature does not match signature in request. Ignoring message."}',
    });
    expect(record.reads.manifest).toBe(reads);
    expect(agent.log.of('webhook.rejected')).toHaveLength(1);
  });

  it('needs no signature where the settings say so, and does where there is no secret', async () => {
    const skipping = await setUp({ project: project({ secret: '', skipSignatureCheck: true }) });
    expect((await skipping.post(updated(2))).status).toBe(204);
    const without = await setUp({ project: project({ secret: '' }) });
    const body = updated(2);
    const signed = { 'x-hub-signature': signWebhook(Buffer.from(body), '') };
    expect((await without.post(body, signed)).status).toBe(400);
  });

  it('about something else is answered and left alone', async () => {
    const { agent, send } = await setUp();
    const body = JSON.stringify({ project_id: Number(PROJECT_ID), event: 'experiment.created', data: [] });
    expect((await send(body)).status).toBe(204);
    expect(agent.log.of('webhook.ignored')).toHaveLength(1);
  });

  it.each(['', '{', '[]', '{"project_id":"x"}', 'null'])('that is %j is refused', async (body) => {
    const { send } = await setUp();
    expect(await send(body)).toEqual({
      status: 400,
      body: '{"error":"Unable to parse webhook message."}',
    });
  });

  it('is of a size', async () => {
    const { send } = await setUp();
    expect((await send(`"${'x'.repeat(WEBHOOK_BODY_BYTES_MAX)}"`)).status).toBe(413);
  });
});

describe('the webhook port', () => {
  it('is not opened where nothing is configured for it', async () => {
    const agent = await startAgent();
    expect(agent.webhookPort).toBeNull();
  });
});
