// The built agent with a real Redis: the client is loaded late, and a bundle may load a package otherwise than Node does.

import { expect, it, onTestFinished } from 'vitest';
import { datafileBody, KEY } from '../agent/support/fakes.ts';
import { TestCdn } from '../agent/support/http.ts';
import { runAgent } from '../support/agent-process.ts';
import { eventually } from '../support/eventually.ts';
import { redisServer, startTestRedis } from '../support/redis.ts';

const found = await redisServer();
const missing = 'missing' in found ? found.missing : null;
const withRedis = it.skipIf(missing !== null); // None there, none to be installed; the title says why.

/** A built agent; returns the port of its API. */
async function startBuiltAgent(env: Record<string, string>): Promise<number> {
  const agent = runAgent({
    isBuilt: true,
    env: { OPTIMIZELY_SDKKEYS: KEY, OPTIMIZELY_CLIENT_EVENTURL: 'http://127.0.0.1:1/events', ...env },
  });
  onTestFinished(async () => expect(await agent.stop()).toBe(0));
  return (await agent.ports()).apiPort;
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
