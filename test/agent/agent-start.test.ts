// An agent that starts while parts of the world are missing, and keys that it hears of only later.

import { describe, expect, it, onTestFinished } from 'vitest';
import type { SdkKey } from '../../core/ids.ts';
import { newLineage } from '../../core/record/lineage.ts';
import { eventually } from '../support/eventually.ts';
import { newKeys } from '../support/functions/signing.ts';
import { tempDir } from '../support/temp-dir.ts';
import { healthOf, serves, startAgent } from './support/agent.ts';
import { datafileBody, KEY, MemoryRecord, OTHER_KEY } from './support/fakes.ts';
import { TestCdn } from './support/http.ts';

async function startCdn(): Promise<TestCdn> {
  const cdn = await new TestCdn().start();
  onTestFinished(() => cdn.close());
  return cdn;
}

describe('an agent that starts', () => {
  it('serves from disk at once with everything else down, and is honest about it', async () => {
    const dir = await tempDir();
    const record = new MemoryRecord();
    record.publish(KEY, datafileBody(4));
    const env = { FANOUT_CACHE_DIR: dir, FANOUT_NATS_URL: 'ws://127.0.0.1:1', FANOUT_BUCKET: 'b' };
    const first = await startAgent({ record, env });
    await serves(first, 1, 4);
    await first.stop();
    const down = new MemoryRecord();
    down.down = true;
    const second = await startAgent({ record: down, env });
    expect(await second.decide()).toMatchObject({ status: 200, seq: 1, revision: 4 });
    expect((await second.get('/health/ready')).status).toBe(200);
    expect(await healthOf(second)).toMatchObject({
      status: 'degraded',
      bus: { state: 'unavailable', reason: 'starting' },
      datafiles: [{ datafile: { source: 'disk', seq: 1, verifiedAt: null } }],
    });
  });

  it('an agent that starts is not ready without a datafile, answers so, and is ready once it has one', async () => {
    const record = new MemoryRecord();
    const agent = await startAgent({ record });
    expect((await agent.get('/health/ready')).status).toBe(503);
    for (const path of ['/health/live', '/health']) expect((await agent.get(path)).status).toBe(200);
    expect((await fetch(`${agent.admin}/health`)).status).toBe(200);
    expect((await agent.decide()).status).toBe(500);
    expect(await healthOf(agent)).toMatchObject({ status: 'starting', datafiles: [{ datafile: null }] });
    record.publish(KEY, datafileBody(1));
    await serves(agent, 1, 1);
    expect((await agent.get('/health/ready')).status).toBe(200);
  });

  it('without bus and bucket lives on the CDN alone', async () => {
    const cdn = await startCdn();
    cdn.bodies.set(KEY, datafileBody(8));
    const agent = await startAgent({
      env: { OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: cdn.template, OPTIMIZELY_CLIENT_POLLINGINTERVAL: '1s' },
    });
    await serves(agent, 0, 8);
    expect(await healthOf(agent)).toMatchObject({ status: 'ok', bus: { state: 'off' } });
    cdn.bodies.set(KEY, datafileBody(9));
    await serves(agent, 0, 9);
    cdn.bodies.set(KEY, datafileBody(7));
    await eventually('the stale one is fetched', () => cdn.seen.length >= 4);
    expect(await agent.decide()).toMatchObject({ seq: 0, revision: 9 });
  });

  it('takes from the CDN what the record does not have, and gives it up for the record', async () => {
    const cdn = await startCdn();
    cdn.bodies.set(KEY, datafileBody(8));
    const record = new MemoryRecord();
    const env = {
      OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: cdn.template,
      OPTIMIZELY_CLIENT_POLLINGINTERVAL: '1s',
    };
    const agent = await startAgent({ record, env });
    await serves(agent, 0, 8);
    expect((await healthOf(agent)).status).toBe('degraded');
    record.publish(KEY, datafileBody(7));
    await serves(agent, 1, 7);
  });

  it('an agent that starts does not ask the CDN at all where the record has the key', async () => {
    const cdn = await startCdn();
    cdn.bodies.set(KEY, datafileBody(8));
    const record = new MemoryRecord();
    record.publish(KEY, datafileBody(4));
    const agent = await startAgent({ record, env: { OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: cdn.template } });
    await serves(agent, 1, 4);
    expect(cdn.seen).toEqual([]);
  });
});

describe('a configured key that Optimizely does not know', () => {
  const both = { OPTIMIZELY_SDKKEYS: `${KEY},${OTHER_KEY}` };

  it('a configured key that Optimizely does not know does not keep the agent from serving the other, and is served once it is there', async () => {
    const cdn = await startCdn();
    const record = new MemoryRecord();
    record.publish(KEY, datafileBody(4));
    const env = { ...both, OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: cdn.template };
    const agent = await startAgent({ record, env });
    await serves(agent, 1, 4);
    const ready = async () => (await agent.get('/health/ready')).status === 200;
    await eventually('it is ready', ready);
    const unknownToOptimizely = { since: expect.any(String), cdnStatus: 403 };
    expect(await healthOf(agent)).toMatchObject({
      status: 'degraded',
      datafiles: [{ sdkKey: KEY }, { sdkKey: OTHER_KEY, datafile: null, unknownToOptimizely }],
    });
    expect(agent.log.of('key.unknown')).toHaveLength(1);
    expect(agent.log.of('source.failed')).toEqual([]);
    expect(await agent.decide('flag_1', OTHER_KEY)).toMatchObject({ status: 403 });
    const metrics = async () =>
      (await fetch(`${agent.admin}/metrics`, { headers: { accept: 'text/plain' } })).text();
    const gauge = (sdkKey: string, value: number) => `fanout_agent_key_unknown{sdk_key="${sdkKey}"} ${value}`;
    expect(await metrics()).toContain(gauge(OTHER_KEY, 1));
    expect(await metrics()).toContain(gauge(KEY, 0));
    record.publish(OTHER_KEY, datafileBody(1, { sdkKey: OTHER_KEY }));
    await eventually('it is served', async () => (await agent.decide('flag_1', OTHER_KEY)).status === 200);
    expect(await metrics()).toContain(gauge(OTHER_KEY, 0));
    expect((await healthOf(agent)).status).toBe('ok');
  });

  it.each([401, 429, 500, 503])(
    'a configured key that Optimizely does not know is not one for which the CDN answers %d',
    async (status) => {
      const cdn = await startCdn();
      cdn.failStatus = status;
      const record = new MemoryRecord();
      record.publish(KEY, datafileBody(4));
      const env = { ...both, OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: cdn.template };
      const agent = await startAgent({ record, env });
      await serves(agent, 1, 4);
      await eventually('the CDN has said so', () => agent.log.of('source.failed').length > 0);
      expect((await agent.get('/health/ready')).status).toBe(503);
    },
  );

  it('a configured key that Optimizely does not know is not known to be one while the record does not answer', async () => {
    const cdn = await startCdn();
    cdn.bodies.set(KEY, datafileBody(4));
    const record = new MemoryRecord();
    record.down = true;
    const env = { ...both, OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: cdn.template };
    const agent = await startAgent({ record, env });
    await serves(agent, 0, 4);
    await eventually('the CDN has denied the other', () =>
      agent.log.of('source.failed').some(({ fields }) => fields.code === 'CDN_DENIED'),
    );
    expect((await agent.get('/health/ready')).status).toBe(503);
    record.down = false;
    await eventually('it is ready', async () => (await agent.get('/health/ready')).status === 200);
  });

  it('a configured key that Optimizely does not know is known to be one also where only what is signed is served', async () => {
    const cdn = await startCdn();
    const keys = newKeys();
    const record = new MemoryRecord();
    record.put(KEY, keys.seal(record.publish(KEY, datafileBody(4), newLineage(1_000, 'one'))));
    const agent = await startAgent({
      record,
      env: { ...both, OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: cdn.template },
      settings: { signing: { mode: 'required', keys: [keys.publicText] } },
    });
    await eventually('it is ready', async () => (await agent.get('/health/ready')).status === 200);
    expect((await healthOf(agent)).datafiles).toMatchObject([
      { datafile: { seq: 1, source: 's3' } },
      { datafile: null, unknownToOptimizely: { cdnStatus: 403 } },
    ]);
  });

  it('leaves an agent that has no other unready: it would take the place of one that serves', async () => {
    const cdn = await startCdn();
    const record = new MemoryRecord();
    const agent = await startAgent({ record, env: { OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: cdn.template } });
    await eventually('it is told', () => agent.log.of('key.unknown').length > 0);
    expect((await agent.get('/health/ready')).status).toBe(503);
    expect((await agent.get('/health')).status).toBe(200);
    expect(await healthOf(agent)).toMatchObject({ status: 'starting' });
  });
});

describe('keys that are not configured', () => {
  it('keys that are not configured are loaded on demand and followed, and unknown ones refused', async () => {
    const cdn = await startCdn();
    const record = new MemoryRecord();
    record.publish(KEY, datafileBody(1));
    record.publish(OTHER_KEY, datafileBody(5, { sdkKey: OTHER_KEY }));
    cdn.bodies.set(OTHER_KEY, datafileBody(5, { sdkKey: OTHER_KEY }));
    const agent = await startAgent({ record, env: { OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: cdn.template } });
    expect(await agent.decide('flag_1', OTHER_KEY)).toMatchObject({ status: 200, revision: 5 });
    record.publish(OTHER_KEY, datafileBody(6, { sdkKey: OTHER_KEY }));
    await eventually(
      'the change arrives',
      async () => (await agent.decide('flag_1', OTHER_KEY)).revision === 6,
    );
    expect(await agent.decide('flag_1', 'Unknown' as SdkKey)).toMatchObject({ status: 403 });
    expect((await healthOf(agent)).datafiles.map(({ sdkKey }) => sdkKey)).toEqual([KEY, OTHER_KEY]);
  });

  it('keys that are not configured are downloaded once where only the CDN has them', async () => {
    const cdn = await startCdn();
    const record = new MemoryRecord();
    record.publish(KEY, datafileBody(1));
    cdn.bodies.set(OTHER_KEY, datafileBody(5, { sdkKey: OTHER_KEY }));
    const agent = await startAgent({ record, env: { OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: cdn.template } });
    expect(await agent.decide('flag_1', OTHER_KEY)).toMatchObject({ status: 200, revision: 5, seq: 0 });
    expect(cdn.seen).toHaveLength(1);
  });

  it('keys that are not configured are not given to whom the CDN refuses them, although the record has them', async () => {
    const cdn = await startCdn();
    const record = new MemoryRecord();
    record.publish(KEY, datafileBody(1));
    record.publish(OTHER_KEY, datafileBody(5, { sdkKey: OTHER_KEY }));
    const agent = await startAgent({ record, env: { OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: cdn.template } });
    expect(await agent.decide('flag_1', OTHER_KEY)).toMatchObject({ status: 403 });
    expect(cdn.seen).toHaveLength(1);
  });
});
