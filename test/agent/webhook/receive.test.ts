// The agent's own webhook port without a receiver: who is believed, and what is fetched.

import { describe, expect, it, onTestFinished } from 'vitest';
import type { WebhookProject } from '../../../agent/config/config.ts';
import { toSdkKey } from '../../../core/ids.ts';
import { signWebhook, WEBHOOK_BODY_BYTES_MAX } from '../../../core/webhook.ts';
import { eventually } from '../../support/eventually.ts';
import { serves, startAgent } from '../support/agent.ts';
import { startDoor } from '../support/door.ts';
import { datafileBody, KEY, MemoryRecord, OTHER_KEY, PROJECT_ID } from '../support/fakes.ts';
import { TestCdn } from '../support/http.ts';

const PATH = '/webhooks/optimizely';
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
  const url = `http://127.0.0.1:${agent.webhookPort}${PATH}`;
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

/** An agent of the project's two keys and a third, without S3, and which keys the CDN was asked for since its start. */
async function withKeys() {
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
  const before = cdn.seen.length;
  const asked = () =>
    cdn.seen
      .slice(before)
      .map(({ url }) => decodeURIComponent(url.slice('/datafiles/'.length, -'.json'.length)));
  return { asked, cdn, send };
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

  it('makes the agent look for the key that it names, and for none of other projects', async () => {
    const { asked, cdn, send } = await withKeys();
    cdn.bodies.set(SIBLING, datafileBody(2, { sdkKey: SIBLING }));
    expect((await send(updated(2, KEY, 4711))).status).toBe(204);
    expect((await send(updated(2, SIBLING))).status).toBe(204);
    await eventually('the change', () => asked().length > 0);
    expect(asked()).toEqual([SIBLING]);
  });

  it.each([
    ['a datafile of another address', updated(1, '8947').replace('/datafiles/', '/json/')],
    ['a key that is not the project’s', updated(1, OTHER_KEY)],
    ['no address', JSON.stringify({ ...JSON.parse(updated(1)), data: { revision: 1 } })],
    ['an event of another kind', JSON.stringify({ ...JSON.parse(updated(1)), event: 'flag.updated' })],
    ['nothing more than its project', JSON.stringify({ project_id: Number(PROJECT_ID) })],
  ])('about %s makes the agent look at every key of the project, once', async (_, body) => {
    const { asked, send } = await withKeys();
    expect(await send(body)).toEqual({ status: 204, body: '' });
    await eventually('all of them', () => asked().length === 2);
    expect(asked().sort()).toEqual([KEY, SIBLING].sort());
  });

  it.each([
    ['no signature', {}],
    ['a wrong one', { 'x-hub-signature': `sha1=${'0'.repeat(40)}` }],
    ['one of another secret', { 'x-hub-signature': signWebhook(Buffer.from(updated(2)), 'another') }],
  ])('a webhook with %s changes nothing', async (_, headers) => {
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

  it.each(['{}', 'null', '{"project_id":4711}'])(
    'a webhook that is %j is answered and left alone',
    async (body) => {
      const { agent, post } = await setUp();
      expect(await post(body)).toEqual({ status: 204, body: '' });
      expect(agent.log.of('webhook.ignored')).toHaveLength(1);
    },
  );

  it.each(['', '{', '[]', '"x"', '{"project_id":"x"}', '{"project_id":1.5}'])(
    'that is %j is refused',
    async (body) => {
      const { send } = await setUp();
      expect(await send(body)).toEqual({
        status: 400,
        body: '{"error":"Unable to parse webhook message."}',
      });
    },
  );

  it('a webhook that is too large is refused', async () => {
    const { send } = await setUp();
    expect((await send(`"${'x'.repeat(WEBHOOK_BODY_BYTES_MAX)}"`)).status).toBe(413);
  });
});

describe('the webhook port', () => {
  it.each([
    ['PUT', PATH],
    ['POST', '/nowhere'],
    ['POST', '/health'],
  ])('tells of a body of a wrong type first, as the original’s does: %s %s', async (method, path) => {
    const { webhook } = await startDoor();
    const ask = async (type: string) =>
      (await webhook({ path, method, body: '{}', headers: { 'content-type': type } })).status;
    expect(await ask('text/plain')).toBe(415);
    expect(await ask('application/json')).toBe(method === 'PUT' ? 405 : 404);
  });

  it('the webhook port is open also where nothing is configured for it, and answers as the original’s', async () => {
    const { webhook } = await startDoor();
    const post = async (body: string, type = 'application/json') =>
      (await webhook({ path: PATH, method: 'POST', body, headers: { 'content-type': type } })).status;
    expect([await post(updated(2)), await post('{'), await post(updated(2), 'text/plain')]).toEqual([
      ...[204, 400, 415],
    ]);
    expect((await webhook({ path: PATH })).status).toBe(405);
    expect((await webhook({ path: '/elsewhere' })).status).toBe(404);
    const health = await webhook({ path: '/health' });
    expect([health.status, health.json()]).toEqual([200, { status: 'ok' }]);
  });

  it('says that it is there where health was put, written with a slash or without', async () => {
    for (const OPTIMIZELY_SERVER_HEALTHCHECKPATH of ['healthz', '/healthz']) {
      const { webhook, api } = await startDoor({ env: { OPTIMIZELY_SERVER_HEALTHCHECKPATH } });
      expect((await webhook({ path: '/healthz' })).status).toBe(200);
      expect((await api({ path: '/healthz' })).status).toBe(200);
    }
  });
});
