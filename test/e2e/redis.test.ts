// The built agent with a real Redis: the client is loaded late, and a bundle may load a package otherwise than Node does.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it, onTestFinished } from 'vitest';
import { datafileBody, KEY } from '../agent/support/fakes.ts';
import { TestCdn } from '../agent/support/http.ts';
import { eventually } from '../support/eventually.ts';
import { redisServer, startTestRedis } from '../support/redis.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'dist', 'agent', 'main.mjs');
const found = await redisServer();
const missing = 'missing' in found ? found.missing : null;
const withRedis = it.skipIf(missing !== null); // None there, none to be installed; the title says why.

/** A built agent; returns the port of its API. */
async function startBuiltAgent(env: Record<string, string>): Promise<number> {
  const child = spawn(process.execPath, [MAIN], {
    env: {
      ...{ PATH: process.env.PATH, OPTIMIZELY_SDKKEYS: KEY, OPTIMIZELY_SERVER_HOST: '127.0.0.1' },
      ...{
        OPTIMIZELY_API_PORT: '0',
        OPTIMIZELY_ADMIN_PORT: '0',
        OPTIMIZELY_WEBHOOK_PORT: '0',
        AGENT_WORKERS: '1',
      },
      OPTIMIZELY_CLIENT_EVENTURL: 'http://127.0.0.1:1/events',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  onTestFinished(async () => {
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });
  const started = Promise.withResolvers<number>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { event, apiPort } = JSON.parse(line);
    if (event === 'agent.started') started.resolve(apiPort);
  });
  return started.promise;
}

withRedis(`a built agent keeps profiles in Redis${missing === null ? '' : ` (${missing})`}`, async () => {
  const server = await startTestRedis('path' in found ? found.path : '');
  onTestFinished(() => server.close());
  const cdn = await new TestCdn().start();
  onTestFinished(() => cdn.close());
  cdn.bodies.set(KEY, datafileBody(1));
  const redis = { host: `127.0.0.1:${server.port}`, password: '', database: 0 };
  const apiPort = await startBuiltAgent({
    OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: cdn.template,
    OPTIMIZELY_CLIENT_USERPROFILESERVICE: JSON.stringify({ default: 'redis', services: { redis } }),
  });
  const post = (path: string, body: object) =>
    fetch(`http://127.0.0.1:${apiPort}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-optimizely-sdk-key': KEY },
      body: JSON.stringify(body),
    });
  const profile = { userId: 'ann', experimentBucketMap: { '1': { variation_id: '11' } } };
  await eventually('the profile is saved', async () => (await post('/v1/save', profile)).status === 200);
  expect(await (await post('/v1/lookup', { userId: 'ann' })).json()).toEqual(profile);
});
