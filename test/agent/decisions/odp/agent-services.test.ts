// A whole agent with services outside that answer, fail or hang: what its API answers then.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../../../support/eventually.ts';
import { redisServer, startTestRedis } from '../../../support/redis.ts';
import type { TestAgent } from '../../support/agent.ts';
import { BUCKETED_RULE_ID } from '../../support/outside-datafile.ts';
import { metricsOf, post, startOutside, startWith } from '../../support/services.ts';

describe('decisions by segments', () => {
  const decide = (agent: TestAgent, userId: string, more: object = {}, headers = {}) =>
    post(agent, '/v1/decide?keys=segment_flag', { userId, fetchSegments: true, ...more }, headers);

  it('ask for them where the request wants it', async () => {
    const outside = await startOutside();
    const agent = await startWith(outside);
    expect((await decide(agent, 'vip-1')).json).toMatchObject({ enabled: true, ruleKey: 'for_vips' });
    expect((await decide(agent, 'other')).json).toMatchObject({ enabled: false, ruleKey: 'for_all' });
    expect((await decide(agent, 'vip-1', { fetchSegments: false })).json).toMatchObject({ enabled: false });
    const asked = () => outside.http.seen.filter(({ url }) => url === '/v3/graphql').length;
    expect(asked()).toBe(2);
    await decide(agent, 'vip-1', { fetchSegmentsOptions: ['IGNORE_CACHE'] });
    expect(asked()).toBe(3);
  });

  it('decisions by segments are refused when the platform fails, and others go on', async () => {
    const outside = await startOutside();
    const agent = await startWith(outside);
    outside.failing.add('v3');
    expect(await decide(agent, 'vip-1')).toEqual({
      status: 500,
      json: { error: 'failed to fetch qualified segments' },
    });
    expect((await agent.decide('flag_1')).status).toBe(200);
    expect(agent.log.of('service.failed')[0]?.fields).toMatchObject({ dependency: 'odp', what: 'segments' });
    expect(await metricsOf(agent)).toContain('service_failures_total{service="odp",what="segments"} 1');
  });

  it('decisions by segments are not asked of an address inside, which only a datafile names; nor are events sent there', async () => {
    const outside = await startOutside();
    const agent = await startWith(outside, { FANOUT_ODP_HOSTS: '' });
    expect((await decide(agent, 'vip-1')).status).toBe(500);
    await post(agent, '/v1/send-odp-event', { action: 'bought', identifiers: { fs_user_id: 'ann' } });
    const troubles = () => agent.log.of('service.failed').map(({ fields }) => fields);
    await eventually('the event is refused', () =>
      troubles().some((it) => 'what' in it && it.what === 'event-lost'),
    );
    expect(troubles()).toMatchObject([
      { what: 'segments', code: 'OUTBOUND_REFUSED', remedy: expect.stringContaining('FANOUT_ODP_HOSTS') },
      { what: 'events', code: 'OUTBOUND_REFUSED' },
      { what: 'event-lost' },
    ]);
    expect(outside.http.seen).toEqual([]);
    expect((await agent.decide('flag_1')).status).toBe(200);
  });

  it('decisions by segments are refused where the Data Platform is turned off', async () => {
    const agent = await startWith(await startOutside(), { OPTIMIZELY_CLIENT_ODP_DISABLE: 'true' });
    expect((await decide(agent, 'vip-1')).status).toBe(500);
    const event = { action: 'a', identifiers: { email: 'e' } };
    expect((await post(agent, '/v1/send-odp-event', event)).json).toEqual({ error: 'ODP is not enabled' });
  });

  it('send events to the platform', async () => {
    const outside = await startOutside();
    const agent = await startWith(outside);
    const event = { action: 'bought', identifiers: { fs_user_id: 'ann' }, data: { price: 3 } };
    expect(await post(agent, '/v1/send-odp-event', event)).toEqual({ status: 200, json: { success: true } });
    const sent = await eventually('the event arrives', () =>
      outside.http.seen.find(({ url }) => url === '/v3/events'),
    );
    expect(sent.headers['x-api-key']).toBe('odp-key');
    expect(JSON.parse(sent.body)).toMatchObject([
      { type: 'fullstack', action: 'bought', identifiers: { fs_user_id: 'ann' }, data: { price: 3 } },
    ]);
  });

  it('decisions by segments take numbers up to 2^53 in the data of an event', async () => {
    const agent = await startWith(await startOutside());
    const send = async (value: unknown) =>
      (await post(agent, '/v1/send-odp-event', { action: 'a', identifiers: { email: 'e' }, data: { value } }))
        .json;
    for (const value of [2 ** 53, -(2 ** 53)]) expect(await send(value)).toEqual({ success: true });
    for (const value of [1e21, -(2 ** 53) - 2])
      expect(await send(value)).toEqual({ error: 'ODP data is not valid' });
  });
});

describe('decisions by prediction', () => {
  it('name the prediction, one flag, several or all', async () => {
    const outside = await startOutside();
    const agent = await startWith(outside);
    const one = (await post(agent, '/v1/decide?keys=predicted_flag', { userId: 'ann' })).json;
    expect(one).toMatchObject({ variationKey: 'variation_b', enabled: true });
    const asked = outside.http.seen.filter(({ url }) => url === '/predict/71');
    expect(asked).toHaveLength(1);
    expect(one.cmabUUID).toBe(JSON.parse(asked[0]?.body ?? '').instances[0].cmabUUID);
    for (const query of ['', '?keys=predicted_flag&keys=flag_1']) {
      const list = (await post(agent, `/v1/decide${query}`, { userId: 'ann' })).json;
      const found = list.find(({ flagKey }: { flagKey: string }) => flagKey === 'predicted_flag');
      expect(found).toEqual(one);
      expect(list.filter((it: object) => 'cmabUUID' in it)).toHaveLength(1);
    }
    const plain = (await post(agent, '/v1/decide?keys=bucketed_flag', { userId: 'ann' })).json;
    expect(plain.variationKey).not.toBe('');
  });

  it('decisions by prediction are made by activate too, by flag and by experiment', async () => {
    const outside = await startOutside();
    const agent = await startWith(outside);
    const path =
      '/v1/activate?featureKey=predicted_flag&experimentKey=predicted_rule&experimentKey=bucketed_rule';
    const { json } = await post(agent, path, { userId: 'ann' });
    const of = (type: string, key: string) =>
      json.find((it: Record<string, unknown>) => it.type === type && it.experimentKey === key);
    const isOn = { variationKey: 'variation_b', enabled: true };
    expect(of('feature', 'predicted_rule')).toMatchObject({ ...isOn, featureKey: 'predicted_flag' });
    expect(of('experiment', 'predicted_rule')).toMatchObject(isOn);
    expect(of('experiment', 'bucketed_rule')).toMatchObject({ enabled: true });
    outside.failing.add('predict');
    const failed = await post(agent, '/v1/activate?experimentKey=predicted_rule', { userId: 'bob' });
    expect(failed).toMatchObject({ status: 200, json: [{ variationKey: '', enabled: false }] });
  });

  it('decisions by prediction are made by OFREP too, one flag or all', async () => {
    const outside = await startOutside();
    const agent = await startWith(outside);
    const body = { context: { targetingKey: 'ann' } };
    const one = (await post(agent, '/ofrep/v1/evaluate/flags/predicted_flag', body)).json;
    expect(one).toMatchObject({ key: 'predicted_flag', variant: 'variation_b' });
    const { flags: all, metadata } = (await post(agent, '/ofrep/v1/evaluate/flags', body)).json;
    const ofAll = all.find(({ key }: { key: string }) => key === 'predicted_flag');
    expect({ ...ofAll, metadata: { ...metadata, ...ofAll.metadata } }).toEqual(one);
    expect(all.length).toBeGreaterThan(1);
  });

  it('decisions by prediction have no variation when the endpoint fails, and others have theirs', async () => {
    const outside = await startOutside();
    const agent = await startWith(outside);
    outside.failing.add('predict');
    const { status, json } = await post(agent, '/v1/decide', { userId: 'ann' });
    expect(status).toBe(200);
    const of = (key: string) => json.find(({ flagKey }: { flagKey: string }) => flagKey === key);
    expect(of('predicted_flag')).toMatchObject({ variationKey: '', enabled: false });
    expect(of('predicted_flag')).not.toHaveProperty('cmabUUID');
    expect(of('flag_1')).toMatchObject({ variationKey: 'v', enabled: true });
  });
});

describe('decisions with a user profile service', () => {
  const headers = { 'x-optimizely-ups-name': 'rest' };
  const profileOf = (variation_id: string, user_id = 'ann') =>
    JSON.stringify({ user_id, experiment_bucket_map: { [BUCKETED_RULE_ID]: { variation_id } } });

  it.each(['83', '84'])('stay as they were: %s', async (variationId) => {
    const outside = await startOutside();
    const agent = await startWith(outside);
    outside.profiles.set('ann', profileOf(variationId));
    const { json } = await post(agent, '/v1/decide?keys=bucketed_flag', { userId: 'ann' }, headers);
    expect(json.variationKey).toBe(variationId === '83' ? 'variation_a' : 'variation_b');
  });

  // All flags need the prediction too, so the profile is saved in a later turn.
  it.each(['?keys=bucketed_flag', ''])(
    'decisions with a user profile service are saved: /v1/decide%s',
    async (query) => {
      const outside = await startOutside();
      const agent = await startWith(outside);
      await post(agent, `/v1/decide${query}`, { userId: 'ann' }, headers);
      const saved = await eventually('the profile is saved', () => outside.profiles.get('ann'));
      expect(Object.keys(JSON.parse(saved).experiment_bucket_map)).toEqual([BUCKETED_RULE_ID]);
    },
  );

  it('decisions with a user profile service are made without it when it fails, which is counted', async () => {
    const outside = await startOutside();
    const agent = await startWith(outside);
    for (const part of ['look', 'keep']) outside.failing.add(part);
    const { status, json } = await post(agent, '/v1/decide?keys=bucketed_flag', { userId: 'ann' }, headers);
    expect([status, json.enabled]).toEqual([200, true]);
    await eventually('the save is counted', async () =>
      (await metricsOf(agent)).includes('service_failures_total{service="profiles",what="save"} 1'),
    );
    expect(await metricsOf(agent)).toContain('service_failures_total{service="profiles",what="lookup"} 1');
    expect(await post(agent, '/v1/lookup', { userId: 'ann' }, headers)).toMatchObject({ status: 503 });
  });

  it('decisions with a user profile service do not keep others waiting when it hangs', async () => {
    const outside = await startOutside();
    let asked = 0;
    const server = createServer(() => void asked++).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close().closeAllConnections());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const slow = await startWith(outside, {
      OPTIMIZELY_CLIENT_USERPROFILESERVICE: JSON.stringify({
        services: { rest: { host: `http://127.0.0.1:${port}`, lookupPath: '/look', savePath: '/keep' } },
      }),
    });
    let isSlowDone = false;
    const waiting = post(slow, '/v1/decide?keys=bucketed_flag', { userId: 'ann' }, headers).then((answer) => {
      isSlowDone = true;
      return answer;
    });
    await eventually('it is asked', () => asked > 0);
    for (let i = 0; i < 20; i++) expect((await slow.decide('flag_1')).status).toBe(200);
    expect(isSlowDone).toBe(false);
    expect((await waiting).json.enabled).toBe(true);
  });
});

const found = await redisServer();
const missing = 'missing' in found ? found.missing : null;
const withRedis = it.skipIf(missing !== null); // None there, none to be installed; the title says why.

withRedis(`agents share profiles and segments${missing === null ? '' : ` (${missing})`}`, async () => {
  const server = await startTestRedis('path' in found ? found.path : '');
  onTestFinished(() => server.close());
  const redis = { host: `127.0.0.1:${server.port}`, password: '', database: 0 };
  const env = {
    OPTIMIZELY_CLIENT_USERPROFILESERVICE: JSON.stringify({ default: 'redis', services: { redis } }),
    OPTIMIZELY_CLIENT_ODP_SEGMENTSCACHE: JSON.stringify({
      services: { redis: { ...redis, timeout: '60s' } },
    }),
  };
  const outside = await startOutside();
  const [one, two] = [await startWith(outside, env), await startWith(outside, env)];
  const bucket = { [BUCKETED_RULE_ID]: { variation_id: '84' } };
  const saved = await post(one, '/v1/save', { userId: 'vip-1', experimentBucketMap: bucket });
  expect(saved.status).toBe(200);
  expect((await post(two, '/v1/lookup', { userId: 'vip-1' })).json).toEqual({
    userId: 'vip-1',
    experimentBucketMap: bucket,
  });
  const decide = (agent: TestAgent, key: string) =>
    post(
      agent,
      `/v1/decide?keys=${key}`,
      { userId: 'vip-1', fetchSegments: true },
      { 'x-optimizely-odp-cache-name': 'redis' },
    );
  expect((await decide(two, 'bucketed_flag')).json.variationKey).toBe('variation_b');
  const asked = () => outside.http.seen.filter(({ url }) => url === '/v3/graphql').length;
  expect(asked()).toBe(1);
  expect((await decide(one, 'segment_flag')).json.enabled).toBe(true);
  expect(asked()).toBe(1);
  await server.part.stop();
  const alone = await decide(one, 'segment_flag');
  expect([alone.status, alone.json.enabled]).toEqual([200, true]);
});
