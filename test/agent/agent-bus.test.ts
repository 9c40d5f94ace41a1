// An agent on a real bus: changes, losses, lies and beats.

import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { SdkKey } from '../../core/ids.ts';
import { startTestNats, type TestNats } from '../support/bus/nats.ts';
import { eventually } from '../support/eventually.ts';
import { undecidable } from '../support/undecidable.ts';
import { healthOf, serves, startAgent } from './support/agent.ts';
import { TestPublisher } from './support/bus.ts';
import { datafileBody, KEY, MemoryRecord, OTHER_KEY, OTHER_LINEAGE } from './support/fakes.ts';
import { TestCdn } from './support/http.ts';

const metricsOf = async ({ admin }: { readonly admin: string }): Promise<string> =>
  (await fetch(`${admin}/metrics`, { headers: { accept: 'text/plain' } })).text();

describe('an agent on the bus', () => {
  let nats: TestNats;
  beforeAll(async () => {
    nats = await startTestNats();
  });
  afterAll(() => nats.close());

  async function setUp(env: Record<string, string> = {}) {
    const publisher = await TestPublisher.connect(nats.wsUrl);
    await publisher.createStream();
    onTestFinished(async () => {
      await publisher.deleteStream();
      await publisher.close();
    });
    const record = new MemoryRecord();
    const publish = async (revision: number) => {
      const body = datafileBody(revision);
      const manifest = record.publish(KEY, body);
      await publisher.announce(manifest, body);
      return manifest;
    };
    await publish(1);
    const agent = await startAgent({
      record,
      env: { FANOUT_NATS_URL: nats.wsUrl, FANOUT_BUCKET: 'b', FANOUT_S3_CHECK_INTERVAL: '1h', ...env },
    });
    const bus = (state: string) =>
      eventually(`the bus is ${state}`, async () => (await healthOf(agent)).bus.state === state);
    await bus('available');
    await serves(agent, 1, 1);
    return { agent, record, publisher, publish, bus };
  }

  it('gets changes from there, and leaves S3 alone', async () => {
    const { agent, record, publish } = await setUp();
    const reads = { ...record.reads };
    for (let revision = 2; revision <= 6; revision++) await publish(revision);
    await serves(agent, 6, 6);
    expect(record.reads).toEqual(reads);
    expect(agent.log.of('candidate.accepted').at(-1)?.fields).toMatchObject({ source: 'nats' });
    expect(await healthOf(agent)).toMatchObject({ status: 'ok', bus: { state: 'available', reason: null } });
  });

  it('hears there of a key that did not exist, and does not go on asking S3 for it', async () => {
    const cdn = await new TestCdn().start();
    onTestFinished(() => cdn.close());
    const env = { OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: cdn.template };
    const { agent, record, publisher, publish } = await setUp({
      ...{ ...env, OPTIMIZELY_SDKKEYS: `${KEY},${OTHER_KEY}` },
    });
    await eventually('it is unknown', () => agent.log.of('key.unknown').length > 0);
    const before = record.reads.manifest;
    // Meanwhile polling would have read it many times.
    for (let revision = 2; revision < 32; revision++) {
      await publish(revision);
      await serves(agent, revision, revision);
    }
    // The look that was planned before the key was known to be unknown is the last.
    expect(record.reads.manifest - before).toBeLessThanOrEqual(1);
    const body = datafileBody(1, { sdkKey: OTHER_KEY });
    await publisher.announce(record.publish(OTHER_KEY, body), body);
    await eventually('it is served', async () => (await agent.decide('flag_1', OTHER_KEY)).status === 200);
    expect((await healthOf(agent)).status).toBe('ok');
  });

  it('falls back to S3 when the bus is lost, and comes back to it', async () => {
    const { agent, record, publish, bus } = await setUp();
    await nats.part.kill('SIGKILL');
    onTestFinished(async () => void (nats.part.isRunning || (await nats.part.start())));
    await bus('unavailable');
    record.publish(KEY, datafileBody(2));
    await serves(agent, 2, 2);
    expect(agent.log.of('candidate.accepted').at(-1)?.fields).toMatchObject({ source: 's3' });
    await nats.part.start();
    await publish(3);
    await bus('available');
    await serves(agent, 3, 3);
    expect(agent.log.of('bus.unavailable').at(-1)?.fields).toEqual({
      reason: 'disconnected',
      cause: 'connection refused',
    });
  });

  it('an agent on the bus is not taken in by a bad message: S3 says what the seq really is', async () => {
    const { agent, record, publisher } = await setUp();
    const manifest = record.publish(KEY, datafileBody(2));
    await publisher.announce(manifest, datafileBody(2, { on: false }));
    await serves(agent, 2, 2);
    expect((await agent.decide()).enabled).toBe(true);
    expect(agent.log.of('candidate.rejected')[0]?.fields).toMatchObject({
      code: 'BODY_CORRUPT',
      source: 'nats',
    });
    expect(agent.log.of('candidate.accepted').at(-1)?.fields).toMatchObject({ source: 's3', seq: 2 });
  });

  it('refuses a datafile of another key or project, with any seq', async () => {
    const { agent, record, publisher, publish } = await setUp();
    const current = record.manifests.get(KEY);
    for (const bad of [datafileBody(9, { sdkKey: OTHER_KEY }), datafileBody(9, { projectId: '99' })]) {
      const forged = new MemoryRecord().publish(
        JSON.parse(bad.toString()).sdkKey as SdkKey,
        bad,
        current?.lineage,
      );
      await publisher.announce({ ...forged, sdkKey: KEY, seq: 50 as never }, bad);
    }
    await eventually('both are refused', () => agent.log.of('candidate.rejected').length === 2);
    const codes = agent.log.of('candidate.rejected').map(({ fields }) => fields.code);
    expect(codes).toEqual(['DATAFILE_WRONG_KEY', 'DATAFILE_WRONG_PROJECT']);
    expect(await agent.decide()).toMatchObject({ seq: 1, revision: 1 });
    await publish(2);
    await serves(agent, 2, 2);
  });

  it('asks S3 about another lineage, and believes S3', async () => {
    const { agent, record, publisher } = await setUp();
    const stranger = new MemoryRecord().publish(KEY, datafileBody(9), OTHER_LINEAGE);
    const reads = record.reads.manifest;
    await publisher.announce(stranger, datafileBody(9));
    await eventually('S3 is asked', () => record.reads.manifest > reads);
    expect(await agent.decide()).toMatchObject({ seq: 1, revision: 1 });
    record.publish(KEY, datafileBody(9), OTHER_LINEAGE);
    await publisher.announce(stranger, datafileBody(9));
    await serves(agent, 1, 9);
  });

  it('catches up by S3 when a beat shows that the bus is behind', async () => {
    const { agent, record, publisher, bus } = await setUp();
    const manifest = record.publish(KEY, datafileBody(2));
    await publisher.beat([manifest]);
    await serves(agent, 2, 2);
    await bus('unavailable');
    expect(agent.log.of('bus.unavailable').at(-1)?.fields).toEqual({ reason: 'head-behind' });
    await publisher.announce(manifest, datafileBody(2));
    await bus('available');
  });

  it('says that it is behind when it has lacked a head since the beat before', async () => {
    const { agent, record, publisher } = await setUp();
    expect(agent.log.of('candidate.accepted').at(0)?.fields).toMatchObject({ arrival: 'start' });
    record.down = true;
    const manifest = record.publish(KEY, datafileBody(2));
    await publisher.beat([manifest]);
    await publisher.beat([manifest]);
    await eventually('it says so', async () => agent.log.of('agent.behind').length > 0);
    expect(agent.log.of('agent.behind')[0]?.fields).toEqual({ sdkKey: KEY, seq: 1, headSeq: 2 });
    record.down = false;
    await serves(agent, 2, 2);
    expect(agent.log.of('candidate.accepted').at(-1)?.fields).toMatchObject({ arrival: 'live' });
  });

  it('sees from a beat that it is current', async () => {
    const { agent, record, publisher } = await setUp();
    const verifiedAt = async () => (await healthOf(agent)).datafiles[0]?.datafile?.verifiedAt;
    const before = await verifiedAt();
    await publisher.beat([...record.manifests.values()]);
    await eventually('it is verified again', async () => (await verifiedAt()) !== before);
  });

  it('reads a body that does not fit the bus from S3', async () => {
    const { agent, record, publisher } = await setUp();
    await publisher.announce(record.publish(KEY, datafileBody(2)), datafileBody(2), 1);
    await serves(agent, 2, 2);
    expect(agent.log.of('candidate.accepted').at(-1)?.fields).toMatchObject({ source: 'nats' });
  });

  it('gets a pointed-at body as soon as S3 is back', async () => {
    const { agent, record, publisher } = await setUp();
    record.down = true;
    await publisher.announce(record.publish(KEY, datafileBody(2)), datafileBody(2), 1);
    await eventually('it fails', () => agent.log.of('candidate.rejected').length > 0);
    expect(await agent.decide()).toMatchObject({ status: 200, seq: 1 });
    record.down = false;
    await serves(agent, 2, 2);
  });

  it('serves the rest of a datafile with an odd part, and says which flag it concerns', async () => {
    const { agent, record, publisher, publish } = await setUp();
    const whole = datafileBody(2).toString();
    const odd = Buffer.from(whole.replace('"experimentIds":[]', '"experimentIds":["gone"]'));
    await publisher.announce(record.publish(KEY, odd), odd);
    await serves(agent, 2, 2);
    const part = 'experiment "gone" is not in the datafile (flag "flag_1")';
    expect((await healthOf(agent)).datafiles[0]).toMatchObject({ leftOut: { count: 1, parts: [part] } });
    expect(agent.log.of('datafile.left-out').map(({ fields }) => fields)).toEqual([
      expect.objectContaining({ sdkKey: KEY, revision: 2, flagKeys: ['flag_1'], parts: [part] }),
    ]);
    expect(await metricsOf(agent)).toContain(`fanout_agent_datafile_left_out{sdk_key="${KEY}"} 1`);
    expect((await fetch(`${agent.api}/v1/config`, { headers: { 'X-Optimizely-SDK-Key': KEY } })).status).toBe(
      200,
    );
    await publish(3);
    await serves(agent, 3, 3);
    expect((await healthOf(agent)).datafiles[0]).not.toHaveProperty('leftOut');
    expect(await metricsOf(agent)).toContain(`fanout_agent_datafile_left_out{sdk_key="${KEY}"} 0`);
  });

  it('keeps the last good datafile where decisions by the next one throw, and says so when it is asked', async () => {
    const { agent, record, publisher, publish } = await setUp();
    const heard = publisher.hear();
    const code = 'DATAFILE_UNDECIDABLE';
    const bad = undecidable(datafileBody(2));
    const manifest = record.publish(KEY, bad);
    await publisher.announce(manifest, bad);
    await eventually('the record is asked too', () => agent.log.of('version.quarantined').length > 0);
    expect(await agent.decide()).toMatchObject({ status: 200, enabled: true, seq: 1, revision: 1 });
    expect(await healthOf(agent)).toMatchObject({
      ...{
        status: 'degraded',
        datafiles: [{ datafile: { seq: 1 }, quarantined: { seq: 2, revision: 2, code } }],
      },
    });
    expect((await fetch(`${agent.admin}/health/ready`)).status).toBe(200);
    const metrics = await metricsOf(agent);
    expect(metrics).toContain(`fanout_agent_quarantined{sdk_key="${KEY}"} 1`);
    expect(metrics).toContain('fanout_agent_quarantines_total 1');
    await publisher.beat([manifest], 1);
    await eventually('it answers', () => heard.length > 0);
    expect(heard[0]?.keys.get(KEY)).toEqual({
      lineage: manifest.lineage,
      seq: 1,
      quarantined: { seq: 2, code },
    });
    await publish(3);
    await serves(agent, 3, 3);
    expect(await healthOf(agent)).toMatchObject({ status: 'ok' });
    expect((await healthOf(agent)).datafiles[0]).not.toHaveProperty('quarantined');
  });
});
