// Parts killed and wires frozen under a running stack: every agent converges as the invariants say, no decision fails
// meanwhile, and no webhook is acknowledged whose change is nowhere.

import { readdir, readFile } from 'node:fs/promises';
import { connect } from 'nats.ws';
import { afterEach, expect, it } from 'vitest';
import { STREAM_NAME } from '../../core/record/names.ts';
import { currentDatafile, decide, putDatafile } from '../../infra/local/stack/client.ts';
import { eventually } from '../support/eventually.ts';
import {
  acceptedIn,
  askWithoutPause,
  busHeadOf,
  collectLines,
  expectNeverBack,
  flip,
  manifestOf,
  stackForTest,
  untilAllServe,
} from '../support/functions/observe.ts';
import { startTcpProxy, type TcpProxy } from '../support/http/tcp-proxy.ts';

/** Fast enough for a test, slow enough that the bus is still the faster path. */
const POLL = { FANOUT_S3_POLL_INTERVAL: '500ms' };
/** Two unanswered pings, five seconds apart, and what it takes to notice them. */
const HALF_OPEN_NOTICED_MS = 30_000;

const proxies: TcpProxy[] = [];
afterEach(async () => {
  await Promise.all(proxies.splice(0).map((proxy) => proxy.close()));
});

it('the bus is killed: agents follow through S3, and over the bus again once it is back', async () => {
  const stack = await stackForTest({ agents: 2, agentEnv: POLL });
  const { addresses, parts } = stack;
  const lines = stack.agents.map(({ part }) => collectLines(part));
  const asking = askWithoutPause(apisOf(addresses), addresses.sdkKey);

  await parts.nats.kill('SIGKILL');
  expect((await flip(stack)).webhookStatus).toBe(204);
  await untilAllServe(stack, 2);
  expect(lines.map((agent) => acceptedIn(agent).at(-1)?.source)).toEqual(['s3', 's3']);

  await parts.nats.start();
  await untilBus(addresses.agents, 'available');
  await stack.runReconcile();
  expect((await flip(stack)).webhookStatus).toBe(204);
  await untilAllServe(stack, 3);
  expect(lines.map((agent) => acceptedIn(agent).at(-1)?.source)).toEqual(['nats', 'nats']);

  const { asked, failures, wentBack } = await asking.stop();
  expect({ failures, wentBack }).toEqual({ failures: [], wentBack: [] });
  expect(asked).toBeGreaterThan(50);
  lines.forEach((agent) => {
    expectNeverBack(acceptedIn(agent));
  });
});

it('the bus loses its stream: the bridge makes it anew, and the change it was told of arrives', async () => {
  const stack = await stackForTest({ agents: 2 });
  const lines = stack.agents.map(({ part }) => collectLines(part));
  const connection = await connect({ servers: stack.urls.natsWs });
  await connection.request(`$JS.API.STREAM.DELETE.${STREAM_NAME}`);
  await connection.close();

  expect((await flip(stack)).webhookStatus).toBe(204);
  await untilAllServe(stack, 2);
  await eventually('the head of the bus is back', async () => (await busHeadOf(stack)).seq === 2);
  for (const agent of lines) expect(acceptedIn(agent).at(-1)).toMatchObject({ seq: 2, source: 'nats' });
});

it('an agent is killed and starts with S3, bus and CDN all down: it serves at once from its disk', async () => {
  const stack = await stackForTest({ agents: 1 });
  const { addresses, parts } = stack;
  const [agent] = stack.agents;
  if (agent === undefined) throw new Error('the stack has no agent');
  await flip(stack);
  await untilAllServe(stack, 2);
  await eventually('the datafile is on disk', () => cachedSeqIs(agent.cacheDir, 2));

  const datafile = await currentDatafile(addresses, addresses.sdkKey);
  await Promise.all([agent.part, parts.nats, parts.s3, parts.cdn].map((part) => part?.kill('SIGKILL')));
  await agent.part.start();
  expect(await decide(agent.api, addresses.sdkKey, 'flag_1')).toMatchObject({ seq: 2 });

  await Promise.all([parts.nats, parts.s3, parts.cdn].map((part) => part?.start()));
  // The stand-in for the CDN keeps nothing over a restart.
  await putDatafile(addresses, datafile);
  expect((await flip(stack)).webhookStatus).toBe(204);
  await untilAllServe(stack, 3);
});

it('S3 is killed during a publish: no 2xx unless stored or queued, and a queued change arrives', async () => {
  const stack = await stackForTest({ agents: 1, retryDelaysMs: [1_000, 2_000] });
  const { addresses, parts } = stack;
  const asking = askWithoutPause(apisOf(addresses), addresses.sdkKey);

  await parts.s3?.kill('SIGKILL');
  const { webhookStatus } = await flip(stack);
  // Nothing is stored, so 204 would be a lie; SNS took the refetch.
  expect(webhookStatus).toBe(202);
  await parts.s3?.start();
  await untilAllServe(stack, 2);

  await parts.s3?.kill('SIGKILL');
  await parts.sns.kill('SIGKILL');
  expect((await flip(stack)).webhookStatus).toBe(503);
  await parts.s3?.start();
  await parts.sns.start();
  expect((await manifestOf(stack)).seq).toBe(2);
  await stack.runReconcile();
  await untilAllServe(stack, 3);
  expect(await asking.stop()).toMatchObject({ failures: [], wentBack: [] });
});

it('a half-open bus, packets dropped and nothing closed, is noticed and left', {
  timeout: 120_000,
}, async () => {
  const stack = await stackForTest({
    agents: 2,
    agentEnv: async ({ natsWs }) => {
      const proxy = await startTcpProxy(Number(new URL(natsWs).port));
      proxies.push(proxy);
      return { ...POLL, FANOUT_NATS_URL: `ws://127.0.0.1:${proxy.port}` };
    },
  });
  const { addresses } = stack;
  const asking = askWithoutPause(apisOf(addresses), addresses.sdkKey);
  await untilBus(addresses.agents, 'available');

  for (const proxy of proxies) proxy.freeze();
  expect((await flip(stack)).webhookStatus).toBe(204);
  await untilAllServe(stack, 2, 'flag_1', HALF_OPEN_NOTICED_MS);
  await untilBus(addresses.agents, 'unavailable');

  for (const proxy of proxies) proxy.thaw();
  await untilBus(addresses.agents, 'available');
  await flip(stack);
  await untilAllServe(stack, 3);
  expect(await asking.stop()).toMatchObject({ failures: [], wentBack: [] });
});

it('a direct announcement that is lost arrives over SNS and the bridge', async () => {
  const stack = await stackForTest({ agents: 2 });
  const { parts } = stack;
  // The webhook's own way to the bus is gone; the bridge's retries outlive the outage.
  await parts.nats.kill('SIGKILL');
  expect((await flip(stack)).webhookStatus).toBe(204);
  await parts.nats.start();
  await untilAllServe(stack, 2);
});

const apisOf = ({ agents }: { agents: readonly { api: string }[] }): string[] => agents.map(({ api }) => api);

async function untilBus(agents: readonly { admin: string }[], state: string): Promise<void> {
  for (const { admin } of agents) {
    await eventually(
      `the bus of ${admin} is ${state}`,
      async () => {
        const health = (await (await fetch(`${admin}/health`)).json()) as { bus: { state: string } };
        return health.bus.state === state;
      },
      HALF_OPEN_NOTICED_MS,
    );
  }
}

async function cachedSeqIs(cacheDir: string, seq: number): Promise<boolean> {
  for (const name of await readdir(cacheDir)) {
    const text = await readFile(`${cacheDir}/${name}`, 'latin1');
    if (text.slice(0, text.indexOf('\n')).includes(`"seq":${seq}`)) return true;
  }
  return false;
}
