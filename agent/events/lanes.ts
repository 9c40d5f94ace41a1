// Events on their way into requests: those of one head together, cut off at the size or by the clock. Pure but for the
// timer; knows nothing of sending or keeping.

import type { Clock, Timer } from '../../core/clock.ts';
import { type Batch, type Lane, type QueuedEvent, sizeOf } from './event.ts';

/** A request is cut off here however many events it may hold; the endpoint has a limit of its own. */
const BATCH_BYTES_MAX = 1024 * 1024;

interface OpenLane extends Lane {
  events: QueuedEvent[];
  bytes: number;
}

export interface LanesOptions {
  readonly batchSize: number;
  /** No event waits longer than this for others to come. */
  readonly flushIntervalMs: number;
  readonly clock: Clock;
  readonly onBatch: (batch: Batch) => void;
}

export class Lanes {
  readonly #options: LanesOptions;
  readonly #open = new Map<string, OpenLane>();
  /** Most events have the head of the one before. */
  #last: OpenLane | null = null;
  #timer: Timer | null = null;

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  add(url: string, head: string, json: string, pass: number): QueuedEvent {
    const lane = this.#last?.head === head && this.#last.url === url ? this.#last : this.#lane(url, head);
    const event: QueuedEvent = { lane, json, pass, place: null, done: false };
    lane.events.push(event);
    lane.bytes += sizeOf(event);
    if (lane.events.length >= this.#options.batchSize || lane.bytes >= BATCH_BYTES_MAX) this.#cut(lane);
    else this.#timer ??= this.#options.clock.after(this.#options.flushIntervalMs, () => this.flush());
    return event;
  }

  /** Cuts off all that waits, and forgets the heads: those of old revisions do not come back. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = null;
    const lanes = [...this.#open.values()];
    this.#open.clear();
    this.#last = null;
    for (const lane of lanes) this.#cut(lane);
  }

  #lane(url: string, head: string): OpenLane {
    const key = `${url}\n${head}`;
    let lane = this.#open.get(key);
    if (lane === undefined) {
      lane = { url, head, events: [], bytes: 0 };
      this.#open.set(key, lane);
    }
    this.#last = lane;
    return lane;
  }

  #cut(lane: OpenLane): void {
    if (lane.events.length === 0) return;
    const batch = lane.events;
    lane.events = [];
    lane.bytes = 0;
    this.#options.onBatch(batch);
  }
}
