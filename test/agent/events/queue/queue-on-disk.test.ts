// The queue with a disk behind it: what it writes and when, and what the next life finds.

import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SAVE_INTERVAL_MS } from '../../../../agent/events/queue/spill-writer.ts';
import { eventually } from '../../../support/eventually.ts';
import { tempDir } from '../../../support/temp-dir.ts';
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

let made = 0;

function setUp(dir: string, endpoint: FakeEndpoint, options: QueueOptions = {}) {
  const parts = createQueue(endpoint, { dir, ...options });
  const add = (count: number): string[] =>
    Array.from({ length: count }, () => {
      const uuid = `e${made++}`;
      parts.queue.add(URL_US, headOf(1), eventJson(uuid));
      return uuid;
    });
  const { clock, queue } = parts;
  /** Lets the clock run on until it is so. */
  const until = (what: string, question: () => boolean, stepMs = SAVE_INTERVAL_MS) =>
    eventually(what, async () => {
      await settled();
      if (question()) return true;
      clock.advance(stepMs);
      return false;
    });
  const onDisk = (count: number) => until(`${count} on disk`, () => queue.stats().diskCount === count);
  return { ...parts, add, until, onDisk };
}

const DOWN = () => {
  const endpoint = new FakeEndpoint();
  endpoint.isDown(true);
  return endpoint;
};

const filesIn = async (dir: string) =>
  (await readdir(dir, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).length;

describe('events that wait', () => {
  it('events that wait are on disk soon, before their batch is full', async () => {
    const dir = await tempDir();
    const first = setUp(dir, new FakeEndpoint());
    await first.queue.start();
    const uuids = first.add(2);
    await first.onDisk(2);
    // The first queue is never stopped: its process was killed.
    const endpoint = new FakeEndpoint();
    const second = setUp(dir, endpoint, { pid: 1_000_000_009 });
    await second.queue.start();
    await second.until('both are sent', () => endpoint.taken.length === 2);
    expect(endpoint.taken).toEqual(uuids);
  });

  it('events that wait do not reach the disk when they are delivered at once', async () => {
    const dir = await tempDir();
    const endpoint = new FakeEndpoint();
    const { queue, add, clock } = setUp(dir, endpoint);
    await queue.start();
    for (let i = 0; i < 20; i++) {
      add(3);
      await settled();
      clock.advance(SAVE_INTERVAL_MS);
    }
    await settled();
    expect(endpoint.taken).toHaveLength(60);
    expect(await readdir(dir)).toEqual([]);
  });

  it('leave memory for the disk in an outage, and all come back after it', async () => {
    const dir = await tempDir();
    const endpoint = DOWN();
    const { queue, add, onDisk, until } = setUp(dir, endpoint, { queueSize: 20 });
    await queue.start();
    const uuids: string[] = [];
    for (let i = 0; i < 50; i++) {
      uuids.push(...add(10));
      await onDisk(uuids.length);
      expect(queue.stats().heldCount).toBeLessThanOrEqual(30);
    }
    endpoint.isDown(false);
    await until('all are sent', () => endpoint.taken.length === 500, 1_000);
    expect(endpoint.taken.toSorted()).toEqual(uuids.toSorted());
    await until('the disk is empty', () => queue.stats().diskBytes === 0);
    await queue.stop(1_000);
    expect(await readdir(dir)).toEqual([]);
  });

  it('events that wait of two endpoints that are down both find their way when they are back', async () => {
    const endpoint = DOWN();
    const { queue, add, onDisk, until } = setUp(await tempDir(), endpoint, { queueSize: 20 });
    await queue.start();
    for (let i = 0; i < 12; i++) queue.add(URL_EU, headOf(1), eventJson(`eu${i}`));
    await onDisk(12);
    add(30);
    await onDisk(42);
    endpoint.isDown(false);
    await until('all are sent', () => endpoint.taken.length === 42, 1_000);
    await queue.stop(1_000);
  });

  it('cost the oldest of them when the disk is full, counted', async () => {
    const dir = await tempDir();
    const endpoint = DOWN();
    const { queue, add, until } = setUp(dir, endpoint, { queueSize: 20, diskBytesMax: 4_000 });
    await queue.start();
    const uuids: string[] = [];
    for (let i = 0; i < 40; i++) {
      uuids.push(...add(10));
      await until('memory is free', () => queue.stats().heldCount <= 20);
    }
    endpoint.isDown(false);
    const lost = () => queue.stats().events['disk-full'] as number;
    await until('the rest is sent', () => endpoint.taken.length + lost() === 400, 1_000);
    expect(lost()).toBeGreaterThan(100);
    expect(new Set(endpoint.taken).size).toBe(400 - lost());
    expect(endpoint.taken).toContain(uuids.at(-1));
  });

  it('wait in memory while the disk fails, up to its size, and go to disk when it is mended', async () => {
    const dir = await tempDir();
    await writeFile(join(dir, 'events'), 'a file where the folder should be');
    const endpoint = DOWN();
    const { queue, add, onDisk, log } = setUp(dir, endpoint, { queueSize: 20 });
    await queue.start();
    add(30);
    await eventually('it is said', () =>
      log.of('events.failed').some((it) => it.fields.code === 'EVENTS_NOT_KEPT'),
    );
    const { events } = queue.stats();
    add(10);
    expect(queue.stats().heldCount).toBeLessThanOrEqual(20);
    expect((events['memory-full'] as number) + queue.stats().heldCount).toBeGreaterThan(0);
    await rm(join(dir, 'events'));
    await onDisk(queue.stats().heldCount);
    expect(log.of('events.failed').filter((it) => it.fields.code === 'EVENTS_NOT_KEPT')).toHaveLength(1);
  });
});

describe('a queue that stops', () => {
  it('leaves on disk what the endpoint does not take, after one try', async () => {
    const dir = await tempDir();
    const endpoint = DOWN();
    const first = setUp(dir, endpoint);
    await first.queue.start();
    const uuids = first.add(7);
    await first.queue.stop(60_000);
    expect(first.queue.stats().events).toMatchObject({ stopped: 0, sent: 0 });
    const back = new FakeEndpoint();
    const second = setUp(dir, back, { pid: 1_000_000_009 });
    await second.queue.start();
    await second.until('all are sent', () => back.taken.length === 7);
    expect(back.taken.toSorted()).toEqual(uuids.toSorted());
    await second.queue.stop(1_000);
    expect(await filesIn(dir)).toBe(0);
  });

  it('sends nothing twice over a restart when every request had its answer', async () => {
    const dir = await tempDir();
    const endpoint = new FakeEndpoint();
    let answers = 0;
    endpoint.answer = () => (answers++ < 2 ? { kind: 'sent' } : { kind: 'failed', reason: 'down' });
    const first = setUp(dir, endpoint, { batchSize: 5, flushIntervalMs: 600_000 });
    await first.queue.start();
    const uuids = first.add(4);
    await first.onDisk(4);
    uuids.push(...first.add(16));
    await settled();
    await first.queue.stop(1_000);
    const sentBefore = endpoint.taken.length;
    expect(sentBefore).toBe(10);
    endpoint.isDown(false);
    const second = setUp(dir, endpoint, { pid: 1_000_000_009 });
    await second.queue.start();
    await second.until('all are sent', () => endpoint.taken.length >= 20);
    await second.queue.stop(1_000);
    expect(endpoint.taken.toSorted()).toEqual(uuids.toSorted());
  });
});
