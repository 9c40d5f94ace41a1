// Gathers events into requests: events with the same head go together, and a request ends at its size or its time. Pure but
// for the timer; does not send or store events.

import type { Clock, Timer } from '../../core/clock.ts';
import { type Batch, type Lane, type QueuedEvent, sizeOf } from './event.ts';

/** A request is not larger than this, with any number of events; the endpoint has a limit of its own. */
const BATCH_BYTES_MAX = 1024 * 1024;

/** A lane that fills within this time may hold twice as much the next time: each request costs as much as ten events. */
const BUSY_MS = 10;
/** No event waits longer than this for a lane that has grown. */
const GROWN_FLUSH_MS = 50;

interface OpenLane extends Lane {
  events: QueuedEvent[];
  bytes: number;
  /** Grows from batchSize to batchSizeMax while events come quickly. */
  sizeMax: number;
  cutAtMs: number;
}

export interface BatcherOptions {
  readonly batchSize: number;
  readonly batchSizeMax: number;
  /** No event waits longer than this for others to come. */
  readonly flushIntervalMs: number;
  readonly clock: Clock;
  readonly onBatch: (batch: Batch) => void;
}

export class Batcher {
  readonly #options: BatcherOptions;
  readonly #open = new Map<string, OpenLane>();
  /** Most events have the head of the one before. */
  #last: OpenLane | null = null;
  #timer: Timer | null = null;
  #isTimerOfGrown = false;

  constructor(options: BatcherOptions) {
    this.#options = options;
  }

  add(url: string, head: string, json: string, pass: number): QueuedEvent {
    const lane = this.#last?.head === head && this.#last.url === url ? this.#last : this.#lane(url, head);
    const event: QueuedEvent = { lane, json, pass, place: null, done: false };
    lane.events.push(event);
    lane.bytes += sizeOf(event);
    if (lane.events.length >= lane.sizeMax || lane.bytes >= BATCH_BYTES_MAX) this.#cutFull(lane);
    else if (this.#timer === null) this.#schedule(lane);
    return event;
  }

  /** Ends all open requests, and forgets their heads: the heads of old revisions do not come back. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#isTimerOfGrown = false;
    const lanes = [...this.#open.values()];
    this.#open.clear();
    this.#last = null;
    for (const lane of lanes) this.#cut(lane);
  }

  #lane(url: string, head: string): OpenLane {
    const key = `${url}\n${head}`;
    let lane = this.#open.get(key);
    if (lane === undefined) {
      const { batchSize: sizeMax } = this.#options;
      lane = { url, head, events: [], bytes: 0, sizeMax, cutAtMs: Number.NEGATIVE_INFINITY };
      this.#open.set(key, lane);
    }
    this.#last = lane;
    return lane;
  }

  #cutFull(lane: OpenLane): void {
    const { clock, batchSize, batchSizeMax } = this.#options;
    const nowMs = clock.nowMs();
    lane.sizeMax = nowMs - lane.cutAtMs < BUSY_MS ? Math.min(lane.sizeMax * 2, batchSizeMax) : batchSize;
    lane.cutAtMs = nowMs;
    this.#cut(lane);
    // What comes next must not wait in a grown lane for as long as in one that is cut off at the usual size.
    if (lane.sizeMax > batchSize && !this.#isTimerOfGrown) {
      this.#timer?.cancel();
      this.#schedule(lane);
    }
  }

  #schedule({ sizeMax }: OpenLane): void {
    const { clock, flushIntervalMs, batchSize } = this.#options;
    this.#isTimerOfGrown = sizeMax > batchSize;
    const delayMs = this.#isTimerOfGrown ? Math.min(GROWN_FLUSH_MS, flushIntervalMs) : flushIntervalMs;
    this.#timer = clock.after(delayMs, () => this.flush());
  }

  #cut(lane: OpenLane): void {
    if (lane.events.length === 0) return;
    const batch = lane.events;
    lane.events = [];
    lane.bytes = 0;
    this.#options.onBatch(batch);
  }
}
