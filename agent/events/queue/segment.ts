// The state of the events in one file: where each is, and whether it is done. One byte for each event, as there may be
// millions. Pure; the files themselves are the journal's.

import type { FrameRef } from '../event.ts';
import type { FrameAt } from './segment-file.ts';

/** An event of a file. */
type State = typeof ON_DISK | typeof IN_MEMORY | typeof DONE;
export const ON_DISK = 0;
export const IN_MEMORY = 1;
export const DONE = 2;

/** Events that were written, and are read, together. */
export class Frame implements FrameRef {
  readonly segment: Segment;
  readonly at: FrameAt;
  readonly #first: number;
  readonly #states: Uint8Array;
  /** Events that are here alone. */
  onDisk = 0;

  constructor(segment: Segment, at: FrameAt, first: number) {
    this.segment = segment;
    this.at = at;
    this.#first = first;
    this.#states = new Uint8Array(at.count).fill(DONE);
  }

  state(slot: number): State {
    return this.#states[slot] as State;
  }

  /** The first state of an event. */
  note(slot: number, state: State): void {
    this.#states[slot] = state;
    if (state !== DONE) this.segment.left++;
    if (state === ON_DISK) this.#count(1);
  }

  /** A done event stays done, and is marked so in the file before long. */
  move(slot: number, to: State): void {
    const from = this.state(slot);
    if (from === DONE || from === to) return;
    if (from === ON_DISK) this.#count(-1);
    if (to === ON_DISK) this.#count(1);
    if (to === DONE) {
      this.segment.left--;
      this.segment.unmarked.push(this.#first + slot);
    }
    this.#states[slot] = to;
  }

  /** Marks the events that are on disk alone as done; returns their number. */
  giveUp(): number {
    const count = this.onDisk;
    for (let slot = 0; slot < this.#states.length; slot++)
      if (this.state(slot) === ON_DISK) this.move(slot, DONE);
    return count;
  }

  #count(by: 1 | -1): void {
    this.onDisk += by;
    this.segment.onDisk += by;
  }
}

export class Segment {
  readonly path: string;
  readonly url: string;
  readonly frames: Frame[] = [];
  /** Bytes that are known to be whole; the next write begins there. */
  bytes = 0;
  /** The file was removed. */
  gone = false;
  /** Events that are not done. */
  left = 0;
  /** Events that are here alone. */
  onDisk = 0;
  /** Numbers of events that are done and not marked so in the file. */
  unmarked: number[] = [];
  #count = 0;

  constructor(path: string, url: string) {
    this.path = path;
    this.url = url;
  }

  /** A frame whose events are all to be noted. */
  add(at: FrameAt): Frame {
    const frame = new Frame(this, at, this.#count);
    this.#count += at.count;
    this.frames.push(frame);
    return frame;
  }

  /** A frame with events to take up. */
  parked(): Frame | undefined {
    return this.onDisk === 0 ? undefined : this.frames.find(({ onDisk }) => onDisk > 0);
  }

  giveUp(): number {
    return this.frames.reduce((sum, frame) => sum + frame.giveUp(), 0);
  }
}
