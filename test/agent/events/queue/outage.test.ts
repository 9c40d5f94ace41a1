// The whole promise, on real processes: the endpoint goes away under load, the agent is restarted meanwhile, once
// cleanly and once by SIGKILL, and at the end every decision that was answered has its event at the endpoint.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { runAgent } from '../../../support/agent-process.ts';
import { eventually } from '../../../support/eventually.ts';
import { tempDir } from '../../../support/temp-dir.ts';
import { datafileBody, KEY } from '../../support/fakes.ts';
import { TestCdn } from '../../support/http.ts';
import { uuidsOf } from '../support.ts';

async function startAgent(env: Record<string, string>) {
  const agent = runAgent({ env });
  const ports = await agent.ports();
  await eventually(
    'it is ready',
    async () => (await fetch(`http://127.0.0.1:${ports.adminPort}/health/ready`)).ok,
  );
  return Object.assign(agent, ports);
}

/** An endpoint that is there, or accepts nothing. */
async function startEndpoint() {
  const taken = new Map<string, string>();
  let requests = 0;
  let down = false;
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    requests++;
    if (down) {
      response.writeHead(503).end();
      return;
    }
    const { visitors } = JSON.parse(body);
    for (const [i, uuid] of uuidsOf(body).entries()) taken.set(uuid, visitors[i].visitor_id);
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/events`,
    taken,
    requests: () => requests,
    setDown: (isDown: boolean) => {
      down = isDown;
    },
  };
}

/** Decides for one new user after the other, several at a time, until told to stop; returns those that were answered. */
function startLoad(apiPort: number, prefix: string) {
  const answered: string[] = [];
  let going = true;
  const one = async (lane: number) => {
    for (let i = 0; going; i++) {
      const userId = `${prefix}-${lane}-${i}`;
      try {
        const response = await fetch(`http://127.0.0.1:${apiPort}/v1/decide?keys=flag_1`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-optimizely-sdk-key': KEY },
          body: JSON.stringify({ userId }),
        });
        if (response.ok) answered.push(userId);
        await response.text();
      } catch {
        return; // The agent stops: what it did not answer does not count.
      }
    }
  };
  const done = Promise.all([0, 1, 2, 3].map(one));
  return {
    answered,
    stop: async () => {
      going = false;
      await done;
      return answered;
    },
  };
}

const metric = async (adminPort: number, name: string): Promise<number> => {
  const text = await (
    await fetch(`http://127.0.0.1:${adminPort}/metrics`, { headers: { accept: 'text/plain' } })
  ).text();
  return Number(new RegExp(`^fanout_agent_${name} (\\d+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
};

it('nothing is missing after an outage under load with restarts in it', async () => {
  const cdn = await new TestCdn().start();
  onTestFinished(() => cdn.close());
  cdn.bodies.set(KEY, datafileBody(3));
  const endpoint = await startEndpoint();
  const env = {
    OPTIMIZELY_SDKKEYS: KEY,
    OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: cdn.template,
    OPTIMIZELY_CLIENT_EVENTURL: endpoint.url,
    OPTIMIZELY_CLIENT_QUEUESIZE: '200',
    OPTIMIZELY_CLIENT_FLUSHINTERVAL: '500ms',
    FANOUT_CACHE_DIR: await tempDir(),
  };
  const expected: string[] = [];

  const first = await startAgent(env);
  const load = startLoad(first.apiPort, 'first');
  await eventually('events arrive', () => endpoint.taken.size >= 200);
  endpoint.setDown(true);
  const before = load.answered.length;
  await eventually('more wait than memory holds', () => load.answered.length > before + 800);
  // Cleanly, and under load: what was answered has to survive.
  const firstEnded = first.stop();
  expected.push(...(await load.stop()));
  await firstEnded;

  const second = await startAgent(env);
  const more = startLoad(second.apiPort, 'second');
  await eventually('it decides while down', () => more.answered.length > 300);
  expected.push(...(await more.stop()));
  await eventually(
    'all of it is on disk',
    async () => (await metric(second.adminPort, 'events_at_risk')) === 0,
  );
  await second.kill();

  const third = await startAgent(env);
  const requests = endpoint.requests();
  await eventually('it asks whether the endpoint is back', () => endpoint.requests() > requests);
  const last = startLoad(third.apiPort, 'third');
  await eventually('it decides', () => last.answered.length > 100);
  endpoint.setDown(false);
  expected.push(...(await last.stop()));
  const arrived = () => new Set(endpoint.taken.values());
  await eventually('all is delivered', () => arrived().size >= expected.length, 60_000).catch(() => {}); // Judged below.
  await third.stop();
  const users = arrived();
  expect(expected.filter((user) => !users.has(user))).toEqual([]);
  expect(expected.length).toBeGreaterThan(1_200);
}, 120_000);
