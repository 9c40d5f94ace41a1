import { expect, it } from 'vitest';
import { startAgent } from '../../support/agent.ts';
import { startDoor } from '../../support/door.ts';
import { datafileBody, KEY, MemoryRecord } from '../../support/fakes.ts';

it('goes on answering while the agent drains, which only readiness tells by its status', async () => {
  const record = new MemoryRecord();
  record.publish(KEY, datafileBody(1));
  const { agent, api, admin, decide } = await startAgent({ record });
  expect((await decide()).status).toBe(200);
  agent.status.draining();
  for (const port of [api, admin]) {
    const ask = (path: string) => fetch(`${port}${path}`);
    expect((await ask('/health/live')).status).toBe(200);
    const health = await ask('/health');
    expect(health.status).toBe(200);
    expect(await health.json()).toMatchObject({ status: 'draining' });
    const ready = await ask('/health/ready');
    expect(ready.status).toBe(503);
    expect(await ready.json()).toEqual({ status: 'not ready' });
  }
});

it('tells whether it lives and is ready at the webhook port too, and nothing else', async () => {
  const { webhook } = await startDoor();
  for (const path of ['/health', '/health/live', '/health/ready']) {
    const answer = await webhook({ path, headers: { host: '10.0.0.9:8085' } });
    expect([path, answer.status, answer.json()]).toEqual([path, 200, { status: 'ok' }]);
  }
});
