import { describe, expect, it, onTestFinished } from 'vitest';
import { redisServer, startTestRedis } from '../../../support/redis.ts';
import type { TestAgent } from '../../support/agent.ts';
import { type Outside, post, startOutside, startWith } from '../../support/services.ts';

const asked = ({ http }: Outside, path: string): number =>
  http.seen.filter(({ url }) => url.startsWith(path)).length;
const predicted = (agent: TestAgent) => post(agent, '/v1/decide?keys=predicted_flag', { userId: 'ann' });
const segmented = (agent: TestAgent) =>
  post(agent, '/v1/decide?keys=segment_flag', { userId: 'vip-1', fetchSegments: true });

describe('/v1/reset', async () => {
  it('forgets predictions, as the original does for test suites: the next decision asks again', async () => {
    const outside = await startOutside();
    const agent = await startWith(outside);
    await predicted(agent);
    await predicted(agent);
    expect(asked(outside, '/predict/')).toBe(1);
    expect(await post(agent, '/v1/reset', {})).toMatchObject({ status: 200 });
    await predicted(agent);
    expect(asked(outside, '/predict/')).toBe(2);
  });

  it('forgets segments of users', async () => {
    const outside = await startOutside();
    const agent = await startWith(outside);
    await segmented(agent);
    await segmented(agent);
    expect(asked(outside, '/v3/graphql')).toBe(1);
    await post(agent, '/v1/reset', {});
    await segmented(agent);
    expect(asked(outside, '/v3/graphql')).toBe(2);
  });

  const found = await redisServer();
  const missing = 'missing' in found ? found.missing : null;
  const withRedis = it.skipIf(missing !== null); // None there, none to be installed; the title says why.

  withRedis(
    `leaves what is kept in Redis to other agents${missing === null ? '' : ` (${missing})`}`,
    async () => {
      const server = await startTestRedis('path' in found ? found.path : '');
      onTestFinished(() => server.close());
      const redis = { host: `127.0.0.1:${server.port}`, password: '', database: 0, timeout: '60s' };
      const cache = JSON.stringify({ default: 'redis', services: { redis } });
      const outside = await startOutside();
      const agent = await startWith(outside, {
        OPTIMIZELY_CLIENT_CMAB_CACHE: cache,
        OPTIMIZELY_CLIENT_ODP_SEGMENTSCACHE: cache,
      });
      for (const decide of [predicted, segmented]) await decide(agent);
      await post(agent, '/v1/reset', {});
      for (const decide of [predicted, segmented]) await decide(agent);
      expect([asked(outside, '/predict/'), asked(outside, '/v3/graphql')]).toEqual([1, 1]);
    },
  );
});
