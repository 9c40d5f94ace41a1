import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RestProfileSettings } from '../../../../agent/config/config.ts';
import { REQUEST_TIMEOUT_MS, RestProfiles, SAVES_MAX } from '../../../../agent/decisions/profiles/rest.ts';
import { createRequester } from '../../../../agent/services/requester.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { realClock } from '../../support/fakes.ts';
import { startHttp, type TestAnswer } from '../../support/http.ts';

const PROFILE = { user_id: 'ann', experiment_bucket_map: { '1': { variation_id: '11' } } };

async function serviceAnswering(answer: TestAnswer, settings: Partial<RestProfileSettings> = {}) {
  const http = await startHttp(() => answer);
  const requester = createRequester(realClock);
  const troubles: string[] = [];
  onTestFinished(async () => {
    requester.close();
    await http.close();
  });
  const service = new RestProfiles(
    {
      ...{ kind: 'rest', host: http.url, lookupPath: '/look', savePath: '/keep', userIdKey: 'user_id' },
      ...{ lookupMethod: 'POST', saveMethod: 'POST', async: false, headers: {} },
      ...settings,
    },
    { ask: requester.ask, onFailure: ({ what }, error) => void troubles.push(`${what}: ${error}`) },
  );
  return { service, seen: http.seen, troubles };
}

describe('user profiles over REST', () => {
  it('user profiles over REST are asked for and saved with the configured names, methods and headers', async () => {
    const { service, seen } = await serviceAnswering(
      { status: 200, body: '{"who":"ann","experiment_bucket_map":{"1":{"variation_id":"11"}}}' },
      {
        ...{ userIdKey: 'who', lookupMethod: 'GET', saveMethod: 'PATCH', headers: { 'X-Key': 'k' } },
        lookupPath: '/look?v=1',
      },
    );
    expect(await service.lookup('ann')).toEqual(PROFILE);
    await service.save(PROFILE);
    expect(seen.map(({ method, url, body }) => [method, url, body])).toEqual([
      ['GET', '/look?v=1&who=ann', ''],
      ['PATCH', '/keep', '{"who":"ann","experiment_bucket_map":{"1":{"variation_id":"11"}}}'],
    ]);
    for (const { headers } of seen) expect(headers).toMatchObject({ 'x-key': 'k' });
    expect(seen[1]?.headers['content-type']).toBe('application/json');
  });

  it.each([
    [404, ''],
    [204, ''],
    [200, '{}'],
    [200, '{"user_id":"another user","experiment_bucket_map":{}}'],
    [200, '{"user_id":"ann","experiment_bucket_map":[]}'],
    [200, 'null'],
  ])('user profiles over REST are none when the service answers %d %s', async (status, body) => {
    const { service } = await serviceAnswering({
      status,
      body: status === 204 ? undefined : body,
    } as TestAnswer);
    expect(await service.lookup('ann')).toBeNull();
  });

  it.each([
    [500, 'oops', 'answered with status 500'],
    [302, '', 'answered with status 302'],
    [200, '<html>', 'not JSON'],
    [200, `"${'x'.repeat(1024 * 1024)}"`, 'answers more than 1048576 bytes'],
  ])('fail when the service answers %d %.10s', async (status, body, why) => {
    const { service } = await serviceAnswering({ status, body });
    await expect(service.lookup('ann')).rejects.toMatchObject({
      code: 'SERVICE_FAILED',
      message: expect.stringContaining(why),
    });
  });

  it('fail when a save is not taken', async () => {
    const { service } = await serviceAnswering({ status: 400 });
    await expect(service.save(PROFILE)).rejects.toMatchObject({ code: 'SERVICE_FAILED' });
  });

  it('user profiles over REST are saved without waiting where that is asked for, and failures are noted', async () => {
    const { service, seen, troubles } = await serviceAnswering({ status: 500 }, { async: true });
    expect(service.save(PROFILE)).toBeUndefined();
    await service.stop();
    expect(seen).toHaveLength(1);
    expect(troubles).toEqual([expect.stringMatching(/^save: .*status 500/)]);
  });

  it('user profiles are not saved without limit while no request waits', async () => {
    const troubles: unknown[] = [];
    const service = new RestProfiles(
      {
        ...{ kind: 'rest', host: 'http://x', lookupPath: '', savePath: '', userIdKey: 'user_id' },
        ...{ lookupMethod: 'GET', saveMethod: 'POST', async: true, headers: {} },
      },
      { ask: () => new Promise(() => {}), onFailure: (_, error) => void troubles.push(error) },
    );
    for (let i = 0; i < SAVES_MAX + 2; i++) service.save(PROFILE);
    expect(troubles).toHaveLength(2);
  });

  it('fail within their time when the service accepts and says nothing, or stops half-way', async () => {
    for (const beginning of [null, '{"user_id":']) {
      const asked = Promise.withResolvers<void>();
      const server = createServer((_, response) => {
        if (beginning !== null) response.write(beginning);
        asked.resolve();
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const clock = new ManualClock();
      const requester = createRequester(clock);
      const { port } = server.address() as AddressInfo;
      const service = new RestProfiles(
        {
          ...{ kind: 'rest', host: `http://127.0.0.1:${port}`, lookupPath: '/', savePath: '/', headers: {} },
          ...{ lookupMethod: 'GET', saveMethod: 'POST', async: false, userIdKey: 'user_id' },
        },
        { ask: requester.ask, onFailure: () => {} },
      );
      const looked = service.lookup('ann');
      await asked.promise;
      clock.advance(REQUEST_TIMEOUT_MS);
      await expect(looked).rejects.toMatchObject({
        message: expect.stringContaining(`no answer within ${REQUEST_TIMEOUT_MS} ms`),
      });
      requester.close();
      server.close();
    }
  });
});
