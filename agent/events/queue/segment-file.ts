// How a file of events is written: frames of a type, a count and a length, then the payload. Events are compressed
// together, as they hardly differ: some 30 bytes each. A file that a crash cut off is readable up to that point. Pure.

import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import type { QueuedEvent } from '../event.ts';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

const SCHEMA = 1;
/** Type, count, length. */
const PREFIX_BYTES = 9;
/** A damaged file must not make the agent run out of memory. */
const FRAME_BYTES_MAX = 16 * 1024 * 1024;

/** `{"schema","url"}`; the first frame. */
const HEADER = 1;
/** Lines: `@` and the head of the events that follow, or an event. */
const EVENTS = 2;
/** What is done, as `0-9,12`: events are numbered from the beginning of the file. */
const DONE = 3;

export interface StoredEvent {
  readonly head: string;
  readonly json: string;
}

export interface FrameAt {
  /** Where its payload begins. */
  readonly offset: number;
  readonly bytes: number;
  readonly count: number;
}

export interface SegmentFile {
  /** Null when it is not one of these files. */
  readonly url: string | null;
  readonly frames: readonly FrameAt[];
  readonly done: ReadonlySet<number>;
  /** Up to the end of the last whole frame. */
  readonly bytes: number;
  /** True when something other than a torn end follows. */
  readonly damaged: boolean;
}

export const headerFrame = (url: string): Buffer => frame(HEADER, 0, JSON.stringify({ schema: SCHEMA, url }));

export async function eventsFrame(events: readonly QueuedEvent[]): Promise<Buffer> {
  let text = '';
  let head = '';
  for (const { lane, json } of events) {
    if (lane.head !== head) text += `@${lane.head}\n`;
    head = lane.head;
    text += `${json}\n`;
  }
  const { ZSTD_c_compressionLevel: level, ZSTD_c_checksumFlag: checksum } = constants;
  // Level 1: higher ones take longer and gain nothing on such text.
  return frame(EVENTS, events.length, await compress(text, { params: { [level]: 1, [checksum]: 1 } }));
}

export function doneFrame(indexes: readonly number[]): Buffer {
  const done = indexes.toSorted((a, b) => a - b);
  const ranges: string[] = [];
  for (let i = 0, from = 0; i < done.length; i++) {
    const last = done[i] as number;
    if (done[i + 1] === last + 1) continue;
    const first = done[from] as number;
    ranges.push(first === last ? `${first}` : `${first}-${last}`);
    from = i + 1;
  }
  return frame(DONE, 0, ranges.join(','));
}

/** Where in a file's prefix of `offset` bytes its events' payload begins. */
export const payloadAt = (offset: number): number => offset + PREFIX_BYTES;

/** Finds a file's frames without reading the events in them. */
export function scanSegment(file: Buffer): SegmentFile {
  const frames: FrameAt[] = [];
  const done = new Set<number>();
  let url: string | null = null;
  let count = 0;
  let at = 0;
  let damaged = false;
  while (at + PREFIX_BYTES <= file.byteLength) {
    const type = file.readUInt8(at);
    const held = file.readUInt32BE(at + 1);
    const bytes = file.readUInt32BE(at + 5);
    const offset = payloadAt(at);
    damaged = type < HEADER || type > DONE || bytes > FRAME_BYTES_MAX || held > FRAME_BYTES_MAX;
    if (damaged || offset + bytes > file.byteLength) break;
    const payload = file.subarray(offset, offset + bytes);
    if (type === HEADER) url ??= urlOf(payload);
    else if (type === DONE) for (const index of numbersIn(payload, count)) done.add(index);
    else {
      frames.push({ offset, bytes, count: held });
      count += held;
    }
    at = offset + bytes;
  }
  return { url, frames, done, bytes: at, damaged };
}

/** Null when the payload is not what was written, or does not hold `count` events. */
export async function eventsIn(payload: Uint8Array, count: number): Promise<StoredEvent[] | null> {
  let text: string;
  try {
    text = (await decompress(payload, { maxOutputLength: FRAME_BYTES_MAX })).toString();
  } catch {
    return null; // The checksum says no; the caller counts it.
  }
  const events: StoredEvent[] = [];
  let head: string | null = null;
  for (const line of text.split('\n')) {
    if (line.startsWith('@')) head = line.slice(1);
    else if (line !== '' && head !== null) events.push({ head, json: line });
  }
  return events.length === count ? events : null;
}

function frame(type: number, count: number, payload: string | Uint8Array): Buffer {
  const body = Buffer.from(payload as string);
  const whole = Buffer.allocUnsafe(PREFIX_BYTES + body.byteLength);
  whole.writeUInt8(type, 0);
  whole.writeUInt32BE(count, 1);
  whole.writeUInt32BE(body.byteLength, 5);
  whole.set(body, PREFIX_BYTES);
  return whole;
}

function urlOf(payload: Buffer): string | null {
  try {
    const { schema, url } = JSON.parse(payload.toString());
    return schema === SCHEMA && typeof url === 'string' ? url : null;
  } catch {
    return null; // The caller puts the file aside.
  }
}

/** Up to `countMax`: a damaged mark must not make numbers without end. */
function* numbersIn(payload: Buffer, countMax: number): Iterable<number> {
  for (const range of payload.toString().split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(range);
    if (match === null) continue;
    const last = Math.min(Number(match[2] ?? match[1]), countMax - 1);
    for (let index = Number(match[1]); index <= last; index++) yield index;
  }
}
