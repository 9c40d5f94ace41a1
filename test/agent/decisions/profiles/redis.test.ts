import { createClient } from '@redis/client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RedisProfiles } from '../../../../agent/decisions/profiles/redis.ts';
import { COMMAND_TIMEOUT_MS, RedisConnections } from '../../../../agent/services/redis.ts';
import { eventually } from '../../../support/eventually.ts';
import { startTcpProxy } from '../../../support/http/tcp-proxy.ts';
import { redisServer, startTestRedis, type TestRedis } from '../../../support/redis.ts';
import { realClock } from '../../support/fakes.ts';

const found = await redisServer();
const missing = 'missing' in found ? found.missing : null;
const PROFILE = { user_id: 'ann', experiment_bucket_map: { '1': { variation_id: '11' } } };

const inRedis = describe.skipIf(missing !== null); // None there, none to be installed; the title says why.

inRedis(`profiles in a real Redis${missing === null ? '' : ` (${missing})`}`, () => {
  let server: TestRedis;
  let connections: RedisConnections;
  let troubles: string[];
  const raw = () => createClient({ socket: { host: '127.0.0.1', port: server.port } });
  const settings = (port = server.port, database = 0) => ({
    ...{ host: '127.0.0.1', port, database, username: null, password: null, tls: false },
  });

  beforeAll(async () => {
    server = await startTestRedis('path' in found ? found.path : '');
  });
  beforeEach(() => {
    troubles = [];
    connections = new RedisConnections({
      clock: realClock,
      onFailure: ({ service, what }) => void troubles.push(`${service} ${what}`),
    });
    return () => connections.stop();
  });
  afterAll(() => server?.close());

  it('are stored as the original stores them', async () => {
    const service = new RedisProfiles(connections.of(settings()), 0);
    await service.save(PROFILE);
    const client = await raw().connect();
    expect(await client.get('ann')).toBe('{"1":{"variation_id":"11"}}');
    expect(await client.ttl('ann')).toBe(-1);
    await client.set('ben', '{"7":{"variation_id":"70"},"8":"odd","9":{"variation_id":9}}');
    client.destroy();
    expect(await service.lookup('ben')).toEqual({
      user_id: 'ben',
      experiment_bucket_map: { '7': { variation_id: '70' } },
    });
  });

  it('end after their time, in their database', async () => {
    const service = new RedisProfiles(connections.of(settings(server.port, 3)), 60_000);
    await service.save(PROFILE);
    const client = await raw().connect();
    expect(await client.exists('ann')).toBe(1); // Of the test before, in database 0.
    await client.select(3);
    expect(await client.pTTL('ann')).toBeGreaterThan(30_000);
    client.destroy();
  });

  it('that are not profiles are a failure, not a decision', async () => {
    const client = await raw().connect();
    await client.set('odd', '[1,2]');
    await client.set('text', 'hello');
    client.destroy();
    const service = new RedisProfiles(connections.of(settings()), 0);
    for (const user of ['odd', 'text'])
      await expect(service.lookup(user)).rejects.toMatchObject({ code: 'SERVICE_FAILED' });
  });

  it('fail at once while the server is away, and are there again when it is', async () => {
    const service = new RedisProfiles(connections.of(settings()), 0);
    await service.save(PROFILE);
    await server.part.stop();
    await expect(service.lookup('ann')).rejects.toMatchObject({ code: 'SERVICE_FAILED', retryable: true });
    await eventually('the connection is noted as lost', () => troubles.includes('redis connection'));
    await server.part.start();
    await eventually('it is back', async () => (await service.lookup('ann')) === null);
    await service.save(PROFILE);
    expect(await service.lookup('ann')).toEqual(PROFILE);
  });

  it('fail within their time when the server does not answer', async () => {
    const proxy = await startTcpProxy(server.port);
    const service = new RedisProfiles(connections.of(settings(proxy.port)), 0);
    await service.save(PROFILE);
    proxy.freeze();
    await expect(service.lookup('ann')).rejects.toMatchObject({
      message: `Redis at 127.0.0.1:${proxy.port} failed: no answer within ${COMMAND_TIMEOUT_MS} ms`,
    });
    proxy.thaw();
    await proxy.close();
  });

  it('find another connection when theirs is dead but not closed', async () => {
    const proxy = await startTcpProxy(server.port);
    const service = new RedisProfiles(connections.of(settings(proxy.port)), 0);
    await service.save(PROFILE);
    proxy.freezeOpen();
    await eventually('profiles are read again', async () => (await service.lookup('ann')) !== null);
    await proxy.close();
  });

  it('fail within their timeout when Redis does not listen from the start', async () => {
    const service = new RedisProfiles(connections.of(settings(1)), 0);
    await expect(service.lookup('ann')).rejects.toMatchObject({ code: 'SERVICE_FAILED' });
    await expect(service.save(PROFILE)).rejects.toMatchObject({ code: 'SERVICE_FAILED' });
  });
});
