// The limits of streams: how many, and how long a slow client is borne.

import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RouteServer } from '../../../../agent/http/kernel/server.ts';
import {
  type EventStream,
  EventStreams,
  WAITING_BYTES_MAX,
  WAITING_BYTES_TOTAL_MAX,
} from '../../../../agent/http/kernel/sse.ts';
import { Metrics } from '../../../../agent/metrics/metrics.ts';
import { eventually } from '../../../support/eventually.ts';
import { serves, startAgent } from '../../support/agent.ts';
import { datafileBody, KEY, MemoryLog, MemoryRecord, realClock } from '../../support/fakes.ts';
import { LISTENER } from '../../support/listener.ts';
import { openSse } from '../../support/sse.ts';

async function serve(streamsMax: number) {
  const log = new MemoryLog();
  const streams = new EventStreams({ clock: realClock, log, streamsMax });
  const open = new Set<EventStream>();
  const handle = (exchange: Parameters<EventStreams['open']>[0]): void => {
    const stream = streams.open(exchange, {}, () => stream !== null && open.delete(stream));
    if (stream !== null) open.add(stream);
  };
  const metrics = new Metrics();
  const server = new RouteServer([{ method: 'GET', path: '/', handle }], {
    ...{ log, metrics, monotonicMs: () => performance.now(), listener: LISTENER },
  });
  const port = await server.listen('127.0.0.1', 0);
  onTestFinished(() => {
    streams.stop();
    return server.close();
  });
  return { port, url: `http://127.0.0.1:${port}/`, streams, open, log };
}

describe('streams', () => {
  it('streams are turned away beyond the limit, and let in again when one has gone', async () => {
    const { url, open } = await serve(2);
    const [first] = [await openSse(url, {}), await openSse(url, {})];
    const third = await openSse(url, {});
    expect(third.status).toBe(503);
    expect(third.headers.get('retry-after')).toBe('5');
    first.close();
    await eventually('a place', () => open.size === 1);
    expect((await openSse(url, {})).status).toBe(200);
  });

  it('streams are as many as the operator says, of both sorts together', async () => {
    const env = { FANOUT_STREAMS_MAX: '1', OPTIMIZELY_API_ENABLENOTIFICATIONS: 'true' };
    const record = new MemoryRecord();
    record.publish(KEY, datafileBody(1));
    const agent = await startAgent({ record, env: { ...env, FANOUT_BUCKET: 'b' } });
    await serves(agent, 1, 1);
    const headers = { 'x-optimizely-sdk-key': KEY };
    expect((await openSse(`${agent.api}/v1/datafile/stream`, headers)).status).toBe(200);
    for (const path of ['/v1/datafile/stream', '/v1/notifications/event-stream'])
      expect((await openSse(agent.api + path, headers)).status).toBe(503);
  });

  it('streams are turned away once the agent stops', async () => {
    const { url, streams } = await serve(2);
    streams.stop();
    expect((await openSse(url, {})).status).toBe(503);
  });

  it('streams of a client that does not read are cut off, and the others go on', async () => {
    const { port, url, open, log } = await serve(10);
    const reader = await openSse(url, {});
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(socket, 'readable');
    socket.pause();
    await eventually('both', () => open.size === 2);
    const [, slow] = open;
    const part = 'x'.repeat(64 * 1024);
    let sent = 0;
    await eventually('the cut', () => {
      for (let i = 0; i < 8; i++, sent++) slow?.send(part);
      return open.size === 1;
    });
    expect(log.of('stream.cut')).toHaveLength(1);
    expect(sent * part.length).toBeGreaterThan(WAITING_BYTES_MAX);
    for (const stream of open) stream.send('last');
    await eventually('the last', () => reader.data.at(-1) === 'last');
  });

  it('streams that do not read are cut off, the slowest first, before all of them together take too much memory', async () => {
    const { port, url, open, log } = await serve(100);
    const reader = await openSse(url, {});
    const count = WAITING_BYTES_TOTAL_MAX / WAITING_BYTES_MAX + 8;
    for (let i = 0; i < count; i++) {
      const socket = connect(port, '127.0.0.1').on('error', () => {});
      onTestFinished(() => void socket.destroy());
      socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
      await once(socket, 'readable');
      socket.pause();
    }
    await eventually('all', () => open.size === count + 1);
    const [first, ...slow] = open;
    const part = 'x'.repeat(64 * 1024);
    // What the kernel takes of each connection is not ours: each goes on until none takes more.
    await eventually('a cut', () => {
      for (const stream of slow)
        if (stream.waitingBytes < WAITING_BYTES_MAX - 2 * part.length) stream.send(part);
      return log.of('stream.cut').length > 0;
    });
    const waiting = [...open].reduce((sum, { waitingBytes }) => sum + waitingBytes, 0);
    expect(waiting).toBeLessThanOrEqual(WAITING_BYTES_TOTAL_MAX);
    first?.send('last');
    await eventually('the last', () => reader.data.at(-1) === 'last');
  });
});
