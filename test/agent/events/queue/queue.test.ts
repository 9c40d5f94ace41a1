import { describe, expect, it } from 'vitest';
import { settled } from '../../support/fakes.ts';
import {
  createQueue,
  eventJson,
  FakeEndpoint,
  headOf,
  type QueueOptions,
  URL_EU,
  URL_US,
} from '../support.ts';

function setUp(options: QueueOptions = {}) {
  const endpoint = new FakeEndpoint();
  const parts = createQueue(endpoint, options);
  let made = 0;
  const add = (count: number, head = headOf(1), url = URL_US) => {
    for (let i = 0; i < count; i++) parts.queue.add(url, head, eventJson(`e${made++}`));
  };
  const sizes = () => endpoint.requests.map(({ uuids }) => uuids.length);
  return { endpoint, add, sizes, ...parts };
}

const uuids = (count: number) => Array.from({ length: count }, (_, i) => `e${i}`);

describe('events leave', () => {
  it('when there are as many as a batch holds', async () => {
    const { add, sizes, endpoint } = setUp();
    add(2);
    await settled();
    expect(sizes()).toEqual([]);
    add(5);
    await settled();
    expect(sizes()).toEqual([3, 3]);
    expect(endpoint.taken).toEqual(uuids(6));
  });

  it('when the first of them has waited for the flush interval', async () => {
    const { add, sizes, clock } = setUp({ flushIntervalMs: 1_000 });
    add(2);
    clock.advance(999);
    await settled();
    expect(sizes()).toEqual([]);
    clock.advance(1);
    await settled();
    expect(sizes()).toEqual([2]);
    expect(clock.waitingCount).toBe(0);
  });

  it('each with those of its own datafile, wherever the SDK sends those', async () => {
    const { add, queue, endpoint } = setUp({ batchSize: 10 });
    add(2);
    add(1, headOf(2));
    add(1);
    add(1, headOf(1), URL_EU);
    queue.flush();
    await settled();
    const sent = endpoint.requests.map(({ url, uuids: ids, body }) => [url, JSON.parse(body).revision, ids]);
    expect(sent).toEqual([
      [URL_US, '1', ['e0', 'e1', 'e3']],
      [URL_US, '2', ['e2']],
      [URL_EU, '1', ['e4']],
    ]);
  });

  it('to the one place that the operator named', async () => {
    const { add, endpoint } = setUp({ url: 'http://mine.example/', batchSize: 1 });
    add(1);
    add(1, headOf(1), URL_EU);
    await settled();
    expect(endpoint.requests.map(({ url }) => url)).toEqual(['http://mine.example/', 'http://mine.example/']);
  });

  it('after the call that made them, not within it', async () => {
    const { add, endpoint } = setUp({ batchSize: 1 });
    add(1);
    expect(endpoint.requests).toEqual([]);
    await settled();
    expect(endpoint.taken).toEqual(['e0']);
  });
});

describe('an endpoint that is down', () => {
  it('an endpoint that is down is asked again with one request at a time, less and less often, and gets everything when it is back', async () => {
    const { add, sizes, endpoint, clock, log, queue } = setUp();
    endpoint.isDown(true);
    add(9);
    await settled();
    expect(sizes()).toEqual([3, 3, 3]);
    for (const [waitMs, requests] of [
      [499, 3],
      [1, 4],
      [999, 4],
      [1, 5],
      [2_000, 6],
    ]) {
      clock.advance(waitMs as number);
      await settled();
      expect(sizes()).toHaveLength(requests as number);
    }
    endpoint.isDown(false);
    clock.advance(4_000);
    await settled();
    expect(endpoint.taken.toSorted()).toEqual(uuids(9));
    expect(log.lines.map(({ event }) => event)).toEqual(['events.failed', 'events.recovered']);
    expect(queue.stats()).toMatchObject({ events: { queued: 9, sent: 9 }, requests: { sent: 3, failed: 6 } });
  });

  it('an endpoint that is down is counted as the original’s dispatcher counts: tries, every fourth in a row given up, and what waits', async () => {
    const { add, endpoint, clock, queue } = setUp();
    const counted = () => queue.stats().dispatcher;
    endpoint.isDown(true);
    add(3);
    await settled();
    expect(counted()).toEqual({ sent: 0, retried: 1, givenUp: 0, waiting: 1 });
    for (const waitMs of [500, 1_000, 2_000]) {
      clock.advance(waitMs);
      await settled();
    }
    expect(counted()).toEqual({ sent: 0, retried: 4, givenUp: 1, waiting: 1 });
    add(3);
    await settled();
    expect(counted().waiting).toBe(2);
    endpoint.isDown(false);
    clock.advance(4_000);
    await settled();
    expect(counted()).toEqual({ sent: 2, retried: 4, givenUp: 1, waiting: 0 });
    endpoint.answer = () => ({ kind: 'refused', reason: 'status 400' });
    add(3);
    await settled();
    // Halved until each of the three was refused by itself.
    expect(counted()).toEqual({ sent: 2, retried: 9, givenUp: 4, waiting: 0 });
  });

  it('an endpoint that is down does not hold up another one', async () => {
    const { add, endpoint } = setUp({ batchSize: 1 });
    endpoint.answer = (_, url) => (url === URL_EU ? { kind: 'failed', reason: 'down' } : { kind: 'sent' });
    add(1, headOf(1), URL_EU);
    add(1);
    await settled();
    add(1);
    await settled();
    expect(endpoint.taken).toEqual(['e1', 'e2']);
  });

  it('costs the oldest events when memory is all there is, counted and said once in a while', async () => {
    const { add, endpoint, clock, log, queue } = setUp({ queueSize: 6 });
    endpoint.isDown(true);
    add(12);
    await settled();
    endpoint.isDown(false);
    clock.advance(60_000);
    await settled();
    const lost = queue.stats().events['memory-full'] as number;
    expect(lost).toBeGreaterThan(0);
    expect(endpoint.taken.toSorted()).toEqual(uuids(12).slice(lost).toSorted());
    expect(endpoint.taken.length + lost).toBe(12);
    expect(log.of('events.lost').length).toBeLessThanOrEqual(2);
    expect(log.of('events.lost')[0]?.fields).toMatchObject({ code: 'EVENTS_LOST' });
  });
});

describe('a request that is refused', () => {
  it('costs the one event that is not wanted, not those beside it', async () => {
    const { add, endpoint, queue } = setUp({ batchSize: 8 });
    endpoint.answer = (ids) =>
      ids.includes('e5') ? { kind: 'refused', reason: 'status 400' } : { kind: 'sent' };
    add(8);
    await settled();
    expect(endpoint.taken.toSorted()).toEqual(uuids(8).filter((uuid) => uuid !== 'e5'));
    expect(queue.stats().events).toMatchObject({ sent: 7, refused: 1 });
  });
});

describe('a queue that stops', () => {
  it('sends what waits for its batch to fill', async () => {
    const { add, endpoint, queue, clock } = setUp();
    add(5);
    await queue.stop(5_000);
    expect(endpoint.taken).toEqual(uuids(5));
    expect(clock.waitingCount).toBe(0);
  });

  it('tries again a few times when there is no disk, and counts what it takes with it', async () => {
    const { add, endpoint, queue, clock, sizes } = setUp();
    endpoint.isDown(true);
    add(2);
    const stopped = queue.stop(5_000);
    for (let i = 0; i < 10; i++) {
      await settled();
      clock.advance(250);
    }
    await stopped;
    expect(sizes()).toEqual([2, 2, 2]);
    expect(queue.stats().events).toMatchObject({ queued: 2, sent: 0, stopped: 2 });
  });

  it('waits for an endpoint that does not answer no longer than it may', async () => {
    const { add, endpoint, queue, clock } = setUp();
    endpoint.answer = () => new Promise(() => {});
    add(2);
    const stopped = queue.stop(5_000);
    await settled();
    clock.advance(5_000);
    await stopped;
    expect(queue.stats().events).toMatchObject({ stopped: 2 });
  });
});
