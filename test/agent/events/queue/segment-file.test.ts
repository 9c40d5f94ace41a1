import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  doneFrame,
  eventsFrame,
  eventsIn,
  headerFrame,
  scanSegment,
} from '../../../../agent/events/queue/segment-file.ts';
import { eventJson, headOf, queuedEvent, URL_US } from '../support.ts';

const lane = (revision: number) => ({ url: URL_US, head: headOf(revision) });
const EVENTS = [queuedEvent('a', lane(1)), queuedEvent('b\u00fc', lane(2)), queuedEvent('c', lane(1))];
const STORED = EVENTS.map(({ lane: { head }, json }) => ({ head, json }));
const FILE = Buffer.concat([
  headerFrame(URL_US),
  await eventsFrame(EVENTS),
  await eventsFrame(EVENTS.slice(0, 1)),
]);

async function eventsOf(file: Buffer) {
  const { frames } = scanSegment(file);
  return Promise.all(
    frames.map(({ offset, bytes, count }) => eventsIn(file.subarray(offset, offset + bytes), count)),
  );
}

it('what is written is read', async () => {
  const { url, done, bytes, damaged, frames } = scanSegment(Buffer.concat([FILE, doneFrame([1, 3])]));
  expect({ url, damaged, done: [...done] }).toEqual({ url: URL_US, damaged: false, done: [1, 3] });
  expect(frames.map(({ count }) => count)).toEqual([3, 1]);
  expect(bytes).toBe(FILE.byteLength + doneFrame([1, 3]).byteLength);
  expect(await eventsOf(FILE)).toEqual([STORED, STORED.slice(0, 1)]);
});

it('any set of marks is read as it was written', async () => {
  const many = await eventsFrame(Array.from({ length: 300 }, (_, i) => queuedEvent(`${i}`)));
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(299)), (indexes) => {
      const { done } = scanSegment(Buffer.concat([headerFrame(URL_US), many, doneFrame(indexes)]));
      expect([...done].sort((a, b) => a - b)).toEqual(indexes.toSorted((a, b) => a - b));
    }),
  );
});

it('a file torn anywhere gives the whole frames before the tear, and says where they end', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(FILE.byteLength), async (length) => {
      const torn = FILE.subarray(0, length);
      const { bytes, damaged, frames } = scanSegment(torn);
      expect(damaged).toBe(false);
      expect(bytes).toBeLessThanOrEqual(length);
      expect(await eventsOf(torn)).toEqual([STORED, STORED.slice(0, 1)].slice(0, frames.length));
      // What is written there next is read.
      const mended = scanSegment(Buffer.concat([FILE.subarray(0, bytes), doneFrame([0])]));
      expect(mended.frames).toEqual(frames);
      expect(mended.done.has(0)).toBe(frames.length > 0);
    }),
  );
});

it('any damage to events is seen', async () => {
  const frame = await eventsFrame(EVENTS);
  const payload = frame.subarray(9);
  await fc.assert(
    fc.asyncProperty(fc.nat(payload.byteLength - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
      const damaged = Buffer.from(payload);
      damaged[at] = (damaged[at] as number) ^ flip;
      const events = await eventsIn(damaged, EVENTS.length);
      // A byte that means nothing to the format may change; the events may not.
      if (events !== null) expect(events).toEqual(STORED);
    }),
  );
});

it('a hundred events take a tenth of their size', async () => {
  const events = Array.from({ length: 100 }, (_, i) => queuedEvent(`${i}`));
  const size = events.reduce((sum, { json }) => sum + json.length, 0);
  expect((await eventsFrame(events)).byteLength).toBeLessThan(size / 10);
  expect(eventJson('1').length).toBeGreaterThan(50);
});

it('nothing that a file holds makes it throw or go on for ever', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      const file = Buffer.concat([FILE, bytes]);
      expect(scanSegment(file).frames.length).toBeGreaterThanOrEqual(2);
      expect(scanSegment(Buffer.from(bytes)).bytes).toBeLessThanOrEqual(bytes.byteLength);
      expect(await eventsIn(bytes, 1)).toBeNull();
    }),
  );
});
