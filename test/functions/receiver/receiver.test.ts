// The receiver's parts together, over real HTTP, with a record, bus and CDN in memory.

import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { FanoutError } from '../../../core/errors.ts';
import { signWebhook } from '../../../core/webhook.ts';
import { createReceiver } from '../../../functions/receiver/receiver.ts';
import { readReceiverSettings } from '../../../functions/receiver/settings.ts';
import { unchanging } from '../../../functions/settings/refreshing-secret.ts';
import type { Role } from '../../../functions/settings/settings.ts';
import { datafileOf, KEY, PROJECT_ID } from '../../support/datafiles.ts';
import { eventually } from '../../support/eventually.ts';
import { fakeDeps } from '../../support/functions/fakes.ts';
import { projectsOf, WEBHOOK_SECRET } from '../../support/functions/webhooks.ts';

let deps = fakeDeps();
beforeEach(() => {
  deps = fakeDeps();
  deps.cdn.serve(datafileOf(1));
});

async function startWith(role: Role = 'home', env: Record<string, string> = {}) {
  const settings = readReceiverSettings({
    FANOUT_PORT: '0',
    FANOUT_ROLE: role,
    FANOUT_BUCKET: 'b',
    FANOUT_NATS_URL: 'ws://127.0.0.1:9',
    FANOUT_PROJECTS: '[{"projectId":"1","secrets":["s"],"datafiles":[{"sdkKey":"k","environment":"e"}]}]',
    ...env,
  });
  const nothingOwed = { read: async () => [], write: async () => {} };
  const receiver = createReceiver(settings, deps, unchanging(projectsOf(KEY)), nothingOwed);
  const url = `http://127.0.0.1:${await receiver.start()}`;
  onTestFinished(() => receiver.stop());
  const statusOf = async (path: string, init?: RequestInit) => (await fetch(url + path, init)).status;
  return { receiver, url, statusOf };
}

describe('ready', () => {
  it('ready is said only once the record has answered, and for good: a store that fails later is no reason to hide', async () => {
    deps.record.isDown = true;
    const { statusOf } = await startWith();
    expect(await statusOf('/health/live')).toBe(200);
    expect(await statusOf('/health/ready')).toBe(503);
    deps.record.isDown = false;
    await eventually('it is ready', async () => (await statusOf('/health/ready')) === 200);
    deps.record.isDown = true;
    expect(await statusOf('/health/ready')).toBe(200);
  });
});

describe('a store that ignores conditions on writes', () => {
  it('a store that ignores conditions on writes is never ready for traffic, and the log says why', async () => {
    const refused = new FanoutError({
      code: 'RECORD_UNCONDITIONAL',
      message: 'The store does not honour If-Match on a PUT',
      remedy: 'Use another store.',
      retryable: false,
    });
    let isRight = false;
    const checkConditions = async () => {
      if (!isRight) throw refused;
    };
    Object.assign(deps.record, { checkConditions });
    const { statusOf } = await startWith();
    await eventually('it is refused', () =>
      deps.lines.some(({ event, code }) => event === 'request.failed' && code === 'RECORD_UNCONDITIONAL'),
    );
    expect(await statusOf('/health/ready')).toBe(503);
    isRight = true;
    await eventually('it is ready', async () => (await statusOf('/health/ready')) === 200);
  });
});

describe('reconcile', () => {
  it('runs from the start, and shows in the metrics how it went', async () => {
    const { url } = await startWith();
    await eventually('the datafile is imported', () => deps.record.headOf()?.revision === 1);
    const metrics = () => fetch(`${url}/metrics`).then((response) => response.text());
    const succeeded = 'fanout_receiver_reconcile_runs_total{outcome="ok"} 1';
    await eventually('a run has succeeded', async () => (await metrics()).includes(succeeded));
    expect(await metrics()).toMatch(/^fanout_receiver_publish_latency_seconds_count 1$/m);
    expect(deps.bus.beats).toHaveLength(1);
  });

  it('counts a run that failed, and goes on', async () => {
    deps.bus.isDown = true;
    const { url } = await startWith();
    const failed = 'fanout_receiver_reconcile_runs_total{outcome="failed"}';
    await eventually('a run has failed', async () =>
      (await fetch(`${url}/metrics`).then((response) => response.text())).includes(`${failed} 1`),
    );
    await eventually('the next one waits', () => deps.clock.waitingCount > 0);
  });
});

describe('a webhook', () => {
  const rawBody = Buffer.from(
    JSON.stringify({
      project_id: Number(PROJECT_ID),
      event: 'project.datafile_updated',
      data: { environment: 'e', revision: 1, cdn_url: 'none' },
    }),
  );
  const init = {
    method: 'POST',
    body: rawBody,
    headers: { 'x-hub-signature': signWebhook(rawBody, WEBHOOK_SECRET) },
  };

  it('a webhook is held against the projects of the secret, when the settings only name one', async () => {
    const { url } = await startWith('home', { FANOUT_PROJECTS: '', FANOUT_PROJECTS_SECRET: 'projects' });
    expect((await fetch(`${url}/webhooks/optimizely`, init)).status).toBe(204);
    expect(deps.lines).toContainEqual(expect.objectContaining({ event: 'webhook.received', revision: 1 }));
    expect(deps.record.headOf()).toMatchObject({ revision: 1 });
  });

  it('beyond the rate of its project is told when to come again', async () => {
    const { url } = await startWith('home', { FANOUT_WEBHOOK_BURST: '1', FANOUT_WEBHOOK_RATE: '1' });
    const send = () => fetch(`${url}/webhooks/optimizely`, init);
    expect((await send()).status).toBe(204);
    const refused = await send();
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
    const metrics = await fetch(`${url}/metrics`).then((response) => response.text());
    expect(metrics).toMatch(/^fanout_receiver_webhook_rate_limited_total 1$/m);
  });
});

it('in a further region it takes no webhook and writes nothing', async () => {
  const { url, statusOf } = await startWith('bus-only');
  const response = await fetch(`${url}/webhooks/optimizely`, { method: 'POST', body: '{}' });
  expect([response.status, await response.json()]).toEqual([
    404,
    expect.objectContaining({ remedy: expect.stringContaining('home region') }),
  ]);
  await eventually('it is ready', async () => (await statusOf('/health/ready')) === 200);
  await eventually('a run is over', () => deps.lines.some(({ event }) => event === 'reconcile.finished'));
  expect(deps.record.writes).toBe(0);
});
