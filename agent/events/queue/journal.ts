// Events on disk: written, done, parked (on disk alone) and read back, within a limit beyond which the oldest are dropped.
// A file is removed as soon as all of its events are done. Knows nothing of endpoints or of batches.

import { rename, unlink } from 'node:fs/promises';
import { readFileWithin, UnusableFile } from '../../../io/regular-file.ts';
import { type Lane, type QueuedEvent, slicesOf } from '../event.ts';
import { ifThere, readAt, writeAt } from './files.ts';
import type { EventsFolder, FoundFile } from './folder.ts';
import { DONE, type Frame, IN_MEMORY, ON_DISK, Segment } from './segment.ts';
import { doneFrame, eventsFrame, eventsIn, headerFrame, payloadAt, scanSegment } from './segment-file.ts';

/** Size of a file, which is what a full disk loses at a time. */
const SEGMENT_BYTES_MAX = 256 * 1024;
/** Most bytes that are read of a file, also of one that an older version wrote: its last write could hold every waiting event. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;
/** Size before compression of what is read back at a time: a hundred events or more. */
const FRAME_BYTES_MAX = 64 * 1024;
/** Size before compression of one write. After a burst there may be 32 MiB to write at once. */
const WRITE_BYTES_MAX = 1024 * 1024;

export interface JournalOptions {
  readonly folder: EventsFolder;
  readonly bytesMax: number;
  readonly nowMs: () => number;
  /** Called with the number of events that are lost to the limit, or to a damaged file. */
  readonly onLost: (count: number, why: 'disk-full' | 'damaged') => void;
}

export class Journal {
  readonly #options: JournalOptions;
  readonly #segmentBytesMax: number;
  readonly #startedAtMs: number;
  /** The file that events are added to, by URL. */
  readonly #current = new Map<string, Segment>();
  /** Oldest first. */
  #segments: Segment[] = [];
  /** Files of earlier processes that were not read yet. Reading them all could delay the start of the agent. */
  #unread: FoundFile[] = [];
  #files = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: JournalOptions) {
    this.#options = options;
    this.#startedAtMs = options.nowMs();
    this.#segmentBytesMax = Math.min(SEGMENT_BYTES_MAX, Math.ceil(options.bytesMax / 4));
  }

  get bytes(): number {
    const sum = (files: readonly { readonly bytes: number }[]) =>
      files.reduce((all, it) => all + it.bytes, 0);
    return sum(this.#segments) + sum(this.#unread);
  }

  /** Events that are not done; those in files not read yet are not known. */
  get events(): number {
    return this.#segments.reduce((all, { left }) => all + left, 0);
  }

  /** True when there may be something to take(). */
  get hasParked(): boolean {
    return this.#unread.length > 0 || this.#segments.some(({ onDisk }) => onDisk > 0);
  }

  /** True when some done events are not marked in the files yet. */
  get hasMarks(): boolean {
    return this.#segments.some(({ unmarked }) => unmarked.length > 0);
  }

  /** Finds the files of an earlier process of this owner, and those of dead owners. */
  open(): Promise<void> {
    return this.#locked(async () => {
      this.#unread.push(...(await this.#options.folder.left()));
      this.#unread.push(...(await this.#options.folder.adopt()));
    });
  }

  /** Shows that this owner lives, and takes over the files of dead ones. */
  beat(): Promise<void> {
    return this.#locked(async () => {
      await this.#options.folder.beat();
      this.#unread.push(...(await this.#options.folder.adopt()));
    });
  }

  /** @throws what the file system says; events without a place then are not written */
  write(events: readonly QueuedEvent[]): Promise<void> {
    return this.#locked(async () => {
      await this.#options.folder.make();
      for (const [url, all] of Map.groupBy(events, ({ lane }) => lane.url))
        for (const some of slicesOf(all, WRITE_BYTES_MAX)) await this.#append(url, some);
    });
  }

  /** The event was sent, refused or dropped. */
  done({ place }: QueuedEvent): void {
    if (place !== null) (place.frame as Frame).move(place.slot, DONE);
  }

  /** The event is on disk and leaves memory; take() brings it back. */
  park({ place }: QueuedEvent): void {
    if (place !== null) (place.frame as Frame).move(place.slot, ON_DISK);
  }

  /** Brings back events that are on disk alone, oldest first, about `countMax`, of an accepted URL. */
  take(accepts: (url: string) => boolean, countMax: number): Promise<QueuedEvent[]> {
    return this.#locked(async () => {
      const taken: QueuedEvent[] = [];
      const lanes = new Map<string, Lane>();
      while (taken.length < countMax) {
        const frame = this.#segments.find(({ url, onDisk }) => onDisk > 0 && accepts(url))?.parked();
        if (frame !== undefined) await this.#read(frame, lanes, taken);
        else if (this.#unread[0] !== undefined) await this.#findNext();
        else break;
      }
      return taken;
    });
  }

  /** Marks done events, removes finished files, and enforces the limit. */
  tidy(): Promise<void> {
    return this.#locked(async () => {
      for (const segment of this.#segments) {
        if (segment.left === 0) await this.#remove(segment);
        else if (segment.unmarked.length > 0) await this.#mark(segment);
      }
      this.#segments = this.#segments.filter(({ gone }) => !gone);
      while (this.bytes > this.#options.bytesMax) await this.#dropOldest();
    });
  }

  async close(): Promise<void> {
    await this.tidy();
    await this.#locked(() => this.#options.folder.leave());
  }

  /** One thing at a time: files are appended to, read and removed in the order they were asked for. */
  #locked<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#last.then(run);
    this.#last = result.catch(() => {}); // The caller gets the error from `result`.
    return result;
  }

  /** In one write, as a busy agent's loop takes its time between one step and the next. */
  async #append(url: string, events: readonly QueuedEvent[]): Promise<void> {
    const slices = [...slicesOf(events, FRAME_BYTES_MAX)];
    const frames = await Promise.all(slices.map(eventsFrame));
    const segment = this.#current.get(url) ?? this.#begin(url);
    const isNew = segment.bytes === 0;
    const header = isNew ? headerFrame(url) : Buffer.alloc(0);
    const bytes = Buffer.concat([header, ...frames]);
    try {
      await writeAt(segment.path, isNew ? 'new' : 'there', bytes, segment.bytes);
    } catch (error) {
      // How much was written is unknown, so nothing may be appended to this file.
      this.#finish(segment);
      throw error;
    }
    segment.bytes += header.byteLength;
    for (const [i, slice] of slices.entries())
      this.#written(segment, slice, (frames[i] as Buffer).byteLength);
    if (segment.bytes >= this.#segmentBytesMax) this.#finish(segment);
  }

  #written(segment: Segment, events: readonly QueuedEvent[], frameBytes: number): void {
    const offset = payloadAt(segment.bytes);
    segment.bytes += frameBytes;
    const frame = segment.add({ offset, bytes: segment.bytes - offset, count: events.length });
    for (const [slot, event] of events.entries()) {
      event.place = { frame, slot };
      frame.note(slot, IN_MEMORY);
      if (event.done) frame.move(slot, DONE);
    }
  }

  #begin(url: string): Segment {
    const segment = new Segment(this.#options.folder.pathOf(this.#startedAtMs, this.#files++), url);
    this.#current.set(url, segment);
    this.#segments.push(segment);
    return segment;
  }

  #finish(segment: Segment): void {
    if (this.#current.get(segment.url) === segment) this.#current.delete(segment.url);
  }

  async #read(frame: Frame, lanes: Map<string, Lane>, taken: QueuedEvent[]): Promise<void> {
    const { segment, at } = frame;
    const payload = await ifThere(() => readAt(segment.path, at.offset, at.bytes));
    const events = payload === null ? null : await eventsIn(payload, at.count);
    for (const [slot, { head, json }] of (events ?? []).entries()) {
      if (frame.state(slot) !== ON_DISK) continue;
      const key = `${segment.url}\n${head}`;
      const lane = lanes.get(key) ?? { url: segment.url, head };
      lanes.set(key, lane);
      frame.move(slot, IN_MEMORY);
      taken.push({ lane, json, pass: 0, place: { frame, slot }, done: false });
    }
    // Where there is no file, another agent took all of it over.
    const missing = frame.giveUp();
    if (missing > 0 && payload !== null) this.#options.onLost(missing, 'damaged');
  }

  /** Reads the next file of an earlier process. */
  async #findNext(): Promise<Segment | null> {
    const { path } = this.#unread[0] as FoundFile;
    const file = await ifThere(() => this.#readAll(path));
    this.#unread.shift();
    if (file === null) return null;
    const found = scanSegment(file);
    if (found.damaged) this.#options.onLost(1, 'damaged');
    if (found.url === null) {
      // Not an event file, or one of a later version: kept under another name for the operator to inspect.
      await rename(path, `${path}.damaged`);
      return null;
    }
    const segment = new Segment(path, found.url);
    segment.bytes = found.bytes;
    let index = 0;
    for (const at of found.frames) {
      const frame = segment.add(at);
      for (let slot = 0; slot < at.count; slot++) frame.note(slot, found.done.has(index++) ? DONE : ON_DISK);
    }
    this.#segments.push(segment);
    return segment;
  }

  /** Null for a file that no agent wrote. */
  async #readAll(path: string): Promise<Buffer | null> {
    try {
      return await readFileWithin(path, FILE_BYTES_MAX);
    } catch (error) {
      if (!(error instanceof UnusableFile)) throw error;
      this.#options.onLost(1, 'damaged');
      await rename(path, `${path}.damaged`);
      return null;
    }
  }

  async #mark(segment: Segment): Promise<void> {
    const marks = doneFrame(segment.unmarked);
    segment.unmarked = [];
    await ifThere(() => writeAt(segment.path, 'there', marks, segment.bytes));
    segment.bytes += marks.byteLength;
  }

  async #remove(segment: Segment): Promise<void> {
    segment.gone = true;
    this.#finish(segment);
    await ifThere(() => unlink(segment.path));
  }

  async #dropOldest(): Promise<void> {
    const segment = this.#unread.length > 0 ? await this.#findNext() : this.#segments[0];
    if (segment === undefined || segment === null) return;
    if (segment.onDisk > 0) this.#options.onLost(segment.onDisk, 'disk-full');
    await this.#remove(segment);
    this.#segments = this.#segments.filter(({ gone }) => !gone);
  }
}
