import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { BusEvents } from '../../../../agent/datafiles/sources/bus.ts';
import { NatsSource, type NatsSourceOptions } from '../../../../agent/datafiles/sources/nats.ts';
import { isFanoutError } from '../../../../core/errors.ts';
import { startTestNats, type TestNats } from '../../../support/bus/nats.ts';
import { eventually } from '../../../support/eventually.ts';
import { startTcpProxy } from '../../../support/http/tcp-proxy.ts';
import { TestPublisher } from '../../support/bus.ts';
import { datafileBody, KEY, MemoryRecord, OTHER_KEY, RecordingSink, realClock } from '../../support/fakes.ts';

let nats: TestNats;
let publisher: TestPublisher;
beforeAll(async () => {
  nats = await startTestNats();
});
afterAll(() => nats.close());
beforeEach(async () => {
  publisher = await TestPublisher.connect(nats.wsUrl);
  await publisher.createStream();
});
afterEach(async () => {
  await publisher.deleteStream();
  await publisher.close();
});

class EventLog implements BusEvents {
  readonly names: string[] = [];
  readonly heads: number[] = [];
  beats = 0;
  connected = () => void this.names.push('connected');
  disconnected = () => void this.names.push('disconnected');
  pingsUnanswered = () => void this.names.push('pingsUnanswered');
  caughtUp = () => void this.names.push('caughtUp');
  head: BusEvents['head'] = (_, { seq }) => void this.heads.push(seq);
  beat = () => void this.beats++;

  count(name: string): number {
    return this.names.filter((one) => one === name).length;
  }
}

function startSource(url: string, options: Partial<NatsSourceOptions> = {}) {
  const sink = new RecordingSink();
  const record = new MemoryRecord();
  const events = new EventLog();
  const resolveBody: NatsSourceOptions['resolveBody'] = (sdkKey, sha256) => record.readBody(sdkKey, sha256);
  const settings = { servers: [url] };
  const source = new NatsSource(sink, {
    ...{ settings, clock: realClock, random: () => 0, events, resolveBody },
    ...options,
  });
  onTestFinished(() => source.stop());
  source.start();
  const up = () => eventually('the bus is caught up', () => events.count('caughtUp') > 0);
  const seen = (seq: number) => eventually(`seq ${seq} is offered`, () => sink.seqs.includes(seq));
  const announce = async (revision: number) => {
    const body = datafileBody(revision);
    const manifest = record.publish(KEY, body);
    await publisher.announce(manifest, body);
    return manifest;
  };
  return { source, sink, record, events, up, seen, announce };
}

describe('the bus source', () => {
  it('gets the last message of a key that it begins to watch, and then each one live', async () => {
    const { source, sink, up, seen, announce } = startSource(nats.wsUrl);
    await announce(1);
    await announce(2);
    await up();
    await source.watch(KEY);
    expect(sink.seqs).toEqual([2]);
    await announce(3);
    await seen(3);
    expect(sink.offered.at(-1)).toMatchObject({ source: 'nats', fromRecord: false, changeId: 'change-3' });
  });

  it('asks for what it missed whenever the link comes back', async () => {
    const { source, events, up, seen, announce } = startSource(nats.wsUrl);
    await source.watch(KEY);
    await up();
    await announce(1);
    await nats.part.kill('SIGKILL');
    await eventually('the loss is noticed', () => events.count('disconnected') > 0);
    await nats.part.start();
    await announce(2);
    await eventually('it is connected again', () => events.count('connected') > 1);
    await seen(2);
  });

  it('keeps trying where there is no server at first, and says so once', async () => {
    await nats.part.kill('SIGKILL');
    const { source, sink, events, seen, announce } = startSource(nats.wsUrl);
    await source.watch(KEY);
    await eventually('the failure is told', () => sink.failures.length > 0);
    const [failure] = sink.failures;
    expect(isFanoutError(failure?.error, 'BUS_UNAVAILABLE')).toBe(true);
    expect(String(failure?.error)).toContain(nats.wsUrl);
    await nats.part.start();
    await eventually('it is connected', () => events.count('connected') === 1);
    expect(sink.failures).toHaveLength(1);
    await announce(1);
    await seen(1);
  });

  it('the bus source does not count as caught up where there is no stream, but hears what comes live', async () => {
    await publisher.deleteStream();
    const { source, sink, events, up, seen, announce } = startSource(nats.wsUrl);
    await source.watch(KEY);
    await eventually('the failure is told', () => sink.failures.length > 0);
    expect(events.names).toEqual(['connected']);
    await announce(1);
    await seen(1);
    await publisher.createStream();
    await up();
    expect(sink.failures).toHaveLength(1);
  });

  it('tells the head of each message, and hears beats', async () => {
    const { source, events, up, announce } = startSource(nats.wsUrl);
    await source.watch(KEY);
    await up();
    const manifest = await announce(1);
    await publisher.beat([manifest]);
    await eventually('the beat is heard', () => events.beats === 1);
    expect(events.heads).toEqual([1]);
  });

  it('loads the body of a message that only points at it, once it is wanted', async () => {
    const { source, sink, record, up, seen } = startSource(nats.wsUrl);
    await source.watch(KEY);
    await up();
    const body = datafileBody(1);
    await publisher.announce(record.publish(KEY, body), body, 1);
    await seen(1);
    expect(record.reads.body).toBe(1);
    expect(Buffer.from(sink.bodies[0] as Uint8Array).equals(body)).toBe(true);
  });

  it('reports a message with wrong headers and goes on', async () => {
    const { source, sink, up, seen, announce } = startSource(nats.wsUrl);
    await source.watch(KEY);
    await up();
    await publisher.publish(KEY, { 'Df-Seq': 'x' }, Buffer.from('{}'));
    await eventually('it is told', () => sink.failures.length === 1);
    expect(isFanoutError(sink.failures[0]?.error, 'ENVELOPE_INVALID')).toBe(true);
    await announce(1);
    await seen(1);
  });

  it('asks for every watched key before it counts as caught up', async () => {
    const first = startSource(nats.wsUrl);
    await first.announce(1);
    const { source, sink, up } = startSource(nats.wsUrl);
    await Promise.all([source.watch(OTHER_KEY), source.watch(KEY)]);
    await up();
    expect(sink.seqs).toEqual([1]);
  });

  it('notices a link that is dead but not closed, and finds its way round it', async () => {
    const proxy = await startTcpProxy(nats.wsPort);
    onTestFinished(() => proxy.close());
    const url = `ws://127.0.0.1:${proxy.port}`;
    const { source, events, up, announce, seen } = startSource(url, { pingIntervalMs: 500 });
    await source.watch(KEY);
    await up();
    proxy.freeze();
    await announce(1);
    await eventually('pings go unanswered', () => events.count('pingsUnanswered') === 1);
    proxy.thaw();
    await seen(1);
  });

  it('stops while the link is dead', async () => {
    const proxy = await startTcpProxy(nats.wsPort);
    onTestFinished(() => proxy.close());
    const { source, up } = startSource(`ws://127.0.0.1:${proxy.port}`);
    await up();
    proxy.freeze();
    await source.stop();
  });
});
