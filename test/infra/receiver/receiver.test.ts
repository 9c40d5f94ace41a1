// The receiver's parts together, over real HTTP, with a record, bus and CDN in memory.

import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { unchanging } from '../../../functions/kept-secret.ts';
import type { Role } from '../../../functions/settings.ts';
import { createReceiver } from '../../../infra/receiver/receiver.ts';
import { checkReceiverSettings } from '../../../infra/receiver/settings.ts';
import { datafileOf, KEY } from '../../support/datafiles.ts';
import { eventually } from '../../support/eventually.ts';
import { fakeDeps } from '../../support/fakes.ts';
import { projectsOf } from '../../support/webhooks.ts';

let deps = fakeDeps();
beforeEach(() => {
  deps = fakeDeps();
  deps.cdn.serve(datafileOf(1));
});

async function startWith(role: Role = 'home') {
  const { settings } = checkReceiverSettings({
    FANOUT_PORT: '0',
    FANOUT_ROLE: role,
    FANOUT_BUCKET: 'b',
    FANOUT_NATS_URL: 'ws://127.0.0.1:9',
    FANOUT_PROJECTS: '[{"projectId":"1","secrets":["s"],"datafiles":[{"sdkKey":"k","environment":"e"}]}]',
  });
  if (settings === null) throw new Error('the settings of the test are wrong');
  const nothingOwed = { read: async () => null, write: async () => {} };
  const receiver = createReceiver(settings, deps, unchanging(projectsOf(KEY)), nothingOwed);
  const url = `http://127.0.0.1:${await receiver.start()}`;
  onTestFinished(() => receiver.stop());
  const statusOf = async (path: string, init?: RequestInit) => (await fetch(url + path, init)).status;
  return { receiver, url, statusOf };
}

describe('ready', () => {
  it('is said only once the record has answered, and for good: a store that fails later is no reason to hide', async () => {
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
