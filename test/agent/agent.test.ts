// An agent with S3 alone: what it serves, says, counts and leaves behind.

import { readdir } from 'node:fs/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { tempDir } from '../support/temp-dir.ts';
import { serves, startAgent } from './support/agent.ts';
import { datafileBody, KEY, MemoryRecord, OTHER_KEY, OTHER_LINEAGE } from './support/fakes.ts';
import { startHttp } from './support/http.ts';

describe('an agent with S3 alone', () => {
  it('serves what the manifest names, follows it, and says what it serves', async () => {
    const record = new MemoryRecord();
    record.publish(KEY, datafileBody(4, { on: false }));
    const agent = await startAgent({ record });
    await serves(agent, 1, 4);
    expect((await agent.decide()).enabled).toBe(false);
    record.publish(KEY, datafileBody(5, { on: true }));
    await serves(agent, 2, 5);
    expect((await agent.decide()).enabled).toBe(true);
    const [line] = agent.log.of('candidate.accepted').slice(-1);
    expect(line?.fields).toMatchObject({
      changeId: 'change-5',
      sdkKey: KEY,
      seq: 2,
      revision: 5,
      source: 's3',
    });
  });

  it('answers every decision while one datafile after the other is swapped in', async () => {
    const record = new MemoryRecord();
    record.publish(KEY, datafileBody(1));
    const agent = await startAgent({ record });
    await serves(agent, 1, 1);
    let publishing = true;
    const ask = async () => {
      let last = 0;
      while (publishing) {
        const { status, seq, enabled, revision } = await agent.decide();
        expect({ status, enabled }).toEqual({ status: 200, enabled: revision % 2 === 1 });
        expect(seq).toBeGreaterThanOrEqual(last);
        last = seq;
      }
    };
    const asking = Promise.all([ask(), ask(), ask(), ask()]);
    for (let revision = 2; revision <= 12; revision++) {
      record.publish(KEY, datafileBody(revision, { on: revision % 2 === 1 }));
      await eventually('it is served', async () => (await agent.decide()).revision === revision);
    }
    publishing = false;
    await asking;
  });

  it('gives the exact bytes with their hash, and 304 to who has them', async () => {
    const record = new MemoryRecord();
    const { sha256 } = record.publish(KEY, datafileBody(4));
    const agent = await startAgent({ record });
    await serves(agent, 1, 4);
    const response = await agent.get('/v1/datafile');
    expect(response.headers.get('etag')).toBe(`"${sha256}"`);
    expect(Buffer.from(await response.arrayBuffer()).equals(datafileBody(4))).toBe(true);
    for (const tag of [`"${sha256}"`, `W/"${sha256}"`, `"x", "${sha256}"`, '*']) {
      const repeated = await agent.get('/v1/datafile', { 'if-none-match': tag });
      expect(repeated.status).toBe(304);
      expect(repeated.headers.get('x-datafile-seq')).toBe('1');
    }
    expect((await agent.get('/v1/datafile', { 'if-none-match': '"x"' })).status).toBe(200);
  });

  it('describes the project with an ETag that changes with the datafile, and 304 to who has it', async () => {
    const record = new MemoryRecord();
    record.publish(KEY, datafileBody(4));
    const agent = await startAgent({ record });
    await serves(agent, 1, 4);
    const tag = (await agent.get('/v1/config')).headers.get('etag') ?? '';
    expect((await agent.get('/v1/config', { 'if-none-match': tag })).status).toBe(304);
    record.publish(KEY, datafileBody(5));
    await serves(agent, 2, 5);
    const changed = await agent.get('/v1/config', { 'if-none-match': tag });
    expect(changed.status).toBe(200);
    expect(await changed.json()).toMatchObject({ revision: '5' });
  });

  it('goes on serving while S3 is down, stays ready, and catches up', async () => {
    const record = new MemoryRecord();
    record.publish(KEY, datafileBody(4));
    const agent = await startAgent({ record });
    await serves(agent, 1, 4);
    record.down = true;
    record.publish(KEY, datafileBody(5));
    await eventually('S3 is found down', () => agent.log.of('source.failed').length > 0);
    expect(await agent.decide()).toMatchObject({ status: 200, seq: 1 });
    expect((await agent.get('/health/ready')).status).toBe(200);
    record.down = false;
    await serves(agent, 2, 5);
  });

  it('takes the manifest of a bucket that was created anew, also with a lower seq', async () => {
    const record = new MemoryRecord();
    record.publish(KEY, datafileBody(4));
    record.publish(KEY, datafileBody(5));
    const agent = await startAgent({ record });
    await serves(agent, 2, 5);
    record.publish(KEY, datafileBody(3), OTHER_LINEAGE);
    await serves(agent, 1, 3);
  });

  it('keeps what it has when the record names what the SDK cannot load', async () => {
    const record = new MemoryRecord();
    record.publish(KEY, datafileBody(4));
    const agent = await startAgent({ record });
    await serves(agent, 1, 4);
    const broken = JSON.parse(datafileBody(5).toString());
    record.publish(KEY, Buffer.from(JSON.stringify({ ...broken, rollouts: 7 })));
    await eventually('it is refused', () => agent.log.of('candidate.rejected').length > 0);
    expect(await agent.decide()).toMatchObject({ status: 200, seq: 1 });
    record.publish(KEY, datafileBody(6));
    await serves(agent, 3, 6);
    expect(agent.log.of('candidate.rejected')).toHaveLength(1);
  });
});

describe('an agent that stops', () => {
  it('sends its events and lets go of everything', async () => {
    const endpoint = await startHttp(() => ({ status: 204 }));
    onTestFinished(() => endpoint.close());
    const dir = await tempDir();
    const record = new MemoryRecord();
    record.publish(KEY, datafileBody(4));
    const env = { OPTIMIZELY_CLIENT_EVENTURL: `${endpoint.url}/events`, FANOUT_CACHE_DIR: dir };
    const agent = await startAgent({ record, env });
    await serves(agent, 1, 4);
    expect(endpoint.seen).toEqual([]);
    await agent.stop();
    expect(endpoint.seen[0]).toMatchObject({ method: 'POST', url: '/events' });
    expect(endpoint.seen[0]?.body).toContain('"visitor_id":"user-1"');
    expect(record.closed).toBe(true);
    expect(await readdir(dir)).toHaveLength(1);
    await expect(agent.decide()).rejects.toThrow();
  });

  it('sends the events of a revision when it is swapped out', async () => {
    const endpoint = await startHttp(() => ({ status: 204 }));
    onTestFinished(() => endpoint.close());
    const record = new MemoryRecord();
    record.publish(KEY, datafileBody(4));
    const agent = await startAgent({ record, env: { OPTIMIZELY_CLIENT_EVENTURL: endpoint.url } });
    await serves(agent, 1, 4);
    record.publish(KEY, datafileBody(5));
    await eventually('the events arrive', () => endpoint.seen.length > 0);
    expect(endpoint.seen[0]?.body).toContain('"visitor_id":"user-1"');
  });
});

it('says nothing in its log that must not be there', async () => {
  const record = new MemoryRecord();
  record.publish(KEY, datafileBody(4));
  const env = { OPTIMIZELY_SDKKEYS: `${KEY}:SECRET-TOKEN,${OTHER_KEY}:SECRET-TOKEN` };
  const agent = await startAgent({ record, env });
  await eventually('the other key fails', () => agent.log.of('source.failed').length > 0);
  await agent.get('/v1/config', { 'x-optimizely-sdk-key': `${KEY}:SECRET-TOKEN` });
  await agent.get('/v1/config', { 'x-optimizely-sdk-key': `${KEY}:WRONG-SECRET` });
  const text = JSON.stringify(agent.log.lines);
  expect(text).not.toContain('SECRET');
  expect(text).not.toContain('featureFlags');
});

it('counts what became of everything', async () => {
  const record = new MemoryRecord();
  record.publish(KEY, datafileBody(4));
  const agent = await startAgent({ record });
  await serves(agent, 1, 4);
  record.publish(KEY, datafileBody(5));
  await serves(agent, 2, 5);
  const text = await (await fetch(`${agent.admin}/metrics`, { headers: { accept: 'text/plain' } })).text();
  for (const sample of [
    'fanout_agent_offers_total{source="s3",result="accepted",reason=""} 2',
    `fanout_agent_datafile_seq{sdk_key="${KEY}"} 2`,
    `fanout_agent_datafile_revision{sdk_key="${KEY}"} 5`,
    'fanout_agent_bus_available 0',
    'fanout_agent_swap_seconds_count 2',
    'fanout_agent_propagation_seconds_count 1',
  ])
    expect(text).toContain(sample);
  expect(text).toMatch(/fanout_agent_s3_polls_total\{result="changed"\} 2/);
  expect(text).toContain('process_resident_memory_bytes');
});
