// The streams as clients see them: two agents on a real bus, and one agent by itself.

import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { KEEP_ALIVE_MS } from '../../../agent/http/kernel/sse.ts';
import { startTestNats, type TestNats } from '../../support/bus/nats.ts';
import { eventually } from '../../support/eventually.ts';
import { healthOf, serves, startAgent, type TestAgent } from '../support/agent.ts';
import { TestPublisher } from '../support/bus.ts';
import { datafileBody, KEY, MemoryRecord, realClock } from '../support/fakes.ts';
import { TestCdn } from '../support/http.ts';
import { openSse } from '../support/sse.ts';

const EVENTS = '/v1/notifications/event-stream';
const CHANGES = '/v1/datafile/stream';
const HEADERS = { 'x-optimizely-sdk-key': KEY };
const NOTIFYING = { OPTIMIZELY_API_ENABLENOTIFICATIONS: 'true' };

const listen = ({ api }: TestAgent, query = '') => openSse(`${api}${EVENTS}${query}`, HEADERS);
const decideAs = ({ api }: TestAgent, userId: string) =>
  fetch(`${api}/v1/decide?keys=flag_1`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...HEADERS },
    body: JSON.stringify({ userId }),
  });
const usersIn = (data: readonly string[]) => data.map((text) => JSON.parse(text).UserContext?.ID);

async function startNotifying(record = new MemoryRecord()) {
  if (record.manifests.size === 0) record.publish(KEY, datafileBody(1));
  const agent = await startAgent({ record, env: NOTIFYING });
  await serves(agent, record.manifests.get(KEY)?.seq ?? 0, 1);
  return { agent, record };
}

describe('the notification stream', () => {
  it('shows decisions as events, one line of JSON each', async () => {
    const { agent } = await startNotifying();
    const stream = await listen(agent);
    expect(stream.status).toBe(200);
    expect(stream.headers.get('content-type')).toBe('text/event-stream');
    await decideAs(agent, 'u1');
    const [text] = await stream.received(1);
    expect(stream.text()).toBe(`data: ${text}\n\n`);
    expect(JSON.parse(text ?? '')).toMatchObject({ Type: 'flag', UserContext: { ID: 'u1' } });
  });

  it('shows what the filter lets through, and changes of the datafile', async () => {
    const { agent, record } = await startNotifying();
    const [updates, decisions] = [
      await listen(agent, '?filter=track,project_config_update'),
      await listen(agent, '?filter=decision'),
    ];
    await decideAs(agent, 'u1');
    record.publish(KEY, datafileBody(2));
    expect(JSON.parse((await updates.received(1))[0] ?? '')).toEqual({
      ...{ Type: 'project_config_update', Revision: '2' },
    });
    expect(usersIn(decisions.data)).toEqual(['u1']);
  });

  it('leaves out the framing where raw lines are asked for', async () => {
    const { agent } = await startNotifying();
    const stream = await listen(agent, '?raw=1');
    await decideAs(agent, 'u1');
    const text = await eventually('a line', () => stream.text().endsWith('\n') && stream.text());
    expect(JSON.parse(text).UserContext.ID).toBe('u1');
  });

  it('the notification stream is off unless switched on, and for known keys only', async () => {
    const record = new MemoryRecord();
    record.publish(KEY, datafileBody(1));
    const off = await startAgent({ record });
    await serves(off, 1, 1);
    const refused = await off.get(EVENTS);
    expect(refused.status).toBe(403);
    expect(await refused.text()).toBe('Notification stream not enabled\n');
    expect((await off.get(EVENTS, { 'x-optimizely-sdk-key': 'not a key' })).status).toBe(400);
  });

  it('ends when the agent stops, which does not wait for it', async () => {
    const { agent } = await startNotifying();
    const stream = await listen(agent);
    await agent.stop();
    await eventually('the end', stream.isEnded);
  });

  it('shows a sign of life to proxies', async () => {
    const due: (() => void)[] = [];
    const clock = {
      ...realClock,
      after: (delayMs: number, run: () => void) => {
        if (delayMs !== KEEP_ALIVE_MS) return realClock.after(delayMs, run);
        due.push(run);
        return { cancel() {} };
      },
    };
    const record = new MemoryRecord();
    record.publish(KEY, datafileBody(1));
    const agent = await startAgent({ record, clock, env: NOTIFYING });
    await serves(agent, 1, 1);
    const stream = await listen(agent);
    due[0]?.();
    await eventually('a comment', () => stream.text() === ':\n\n');
    stream.close();
    // No stream is left to write a comment to.
    await eventually('no more', () => {
      due.at(-1)?.();
      return due.length < 5 && due.length;
    });
  });
});

describe('the notification stream of agents on one bus', () => {
  let nats: TestNats;
  beforeAll(async () => {
    nats = await startTestNats();
    const publisher = await TestPublisher.connect(nats.wsUrl);
    await publisher.createStream();
    await publisher.close();
  });
  afterAll(() => nats.close());

  async function startPair(own: Record<string, string> = {}) {
    const record = new MemoryRecord();
    record.publish(KEY, datafileBody(1));
    const start = async (own: Record<string, string>) => {
      const env = { FANOUT_NATS_URL: nats.wsUrl, FANOUT_BUCKET: 'b', ...own };
      const agent = await startAgent({ record, env });
      await serves(agent, 1, 1);
      await eventually('the bus', async () => (await healthOf(agent)).bus.state === 'available');
      return agent;
    };
    return [await start({ ...NOTIFYING, ...own }), await start(own)] as const;
  }

  it('shows the decisions of all agents, whichever agent decides, from the first one on', async () => {
    const [listened, other] = await startPair();
    const stream = await listen(listened);
    for (let i = 0; i < 20; i++) await decideAs(i % 2 === 0 ? other : listened, `u${i}`);
    const users = usersIn(await stream.received(20));
    expect(users.toSorted()).toEqual(Array.from({ length: 20 }, (_, i) => `u${i}`).toSorted());
    expect(stream.data).toHaveLength(20);
  });

  it('shows those of its own agent only, where the settings say so', async () => {
    const [listened, other] = await startPair({ OPTIMIZELY_SYNCHRONIZATION_NOTIFICATION_ENABLE: 'false' });
    const stream = await listen(listened);
    await decideAs(other, 'elsewhere');
    await decideAs(listened, 'here');
    expect(usersIn(await stream.received(1))).toEqual(['here']);
  });

  it('goes on with what is decided after an outage', async () => {
    const [listened, other] = await startPair();
    const stream = await listen(listened);
    await nats.part.kill('SIGKILL');
    await eventually('the outage shows', async () => (await healthOf(other)).bus.state === 'unavailable');
    await decideAs(other, 'lost');
    await nats.part.start();
    let count = 0;
    await eventually('a decision of the other', async () => {
      await decideAs(other, `u${++count}`);
      return stream.data.length > 0;
    });
    expect(usersIn(stream.data)).not.toContain('lost');
  });
});

describe('the datafile stream', () => {
  it('says which datafile serves, and every change', async () => {
    const { agent, record } = await startNotifying();
    const stream = await openSse(`${agent.api}${CHANGES}`, HEADERS);
    const first = JSON.parse((await stream.received(1))[0] ?? '');
    const { lineage, sha256, changeId } = record.manifests.get(KEY) ?? {};
    expect(first).toEqual({ sdkKey: KEY, lineage, seq: 1, revision: 1, sha256, changeId });
    expect(stream.text()).toMatch(new RegExp(`^id: ${lineage}-1\n`));
    for (const revision of [2, 3]) {
      record.publish(KEY, datafileBody(revision));
      await serves(agent, revision, revision);
    }
    const changes = (await stream.received(3)).map((text) => JSON.parse(text));
    expect(changes.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(changes.at(-1).sha256).toBe(record.manifests.get(KEY)?.sha256);
  });

  it('ends with its key, so that its client comes again', async () => {
    const cdn = await new TestCdn().start();
    onTestFinished(() => cdn.close());
    for (const sdkKey of ['first', 'second']) cdn.bodies.set(sdkKey, datafileBody(1, { sdkKey }));
    const agent = await startAgent({
      env: { OPTIMIZELY_SDKKEYS: '', OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: cdn.template },
      settings: { keysOnDemandMax: 1 },
    });
    const stream = await openSse(`${agent.api}${CHANGES}`, { 'x-optimizely-sdk-key': 'first' });
    await stream.received(1);
    // There is room for one key only: the other takes its place.
    expect((await agent.get('/v1/config', { 'x-optimizely-sdk-key': 'second' })).status).toBe(200);
    await eventually('the end', stream.isEnded);
  });
});
