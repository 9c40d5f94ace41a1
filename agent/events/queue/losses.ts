// Events that will never be sent: each is counted, and the log tells of them in few lines. Does not decide what is lost.

import type { Clock, Timer } from '../../../core/clock.ts';
import { errorFields, FanoutError } from '../../../core/errors.ts';
import type { Log } from '../../../core/log.ts';

const LOG_INTERVAL_MS = 10_000;

export type LossReason =
  /** More than may be held in memory, and no disk to keep it on. */
  | 'memory-full'
  /** More than may be kept on disk; the oldest went. */
  | 'disk-full'
  /** A file on disk was not what was written. */
  | 'damaged'
  /** The endpoint says that it does not take it. */
  | 'refused'
  /** The agent stopped with the endpoint down and no disk to keep it on. */
  | 'stopped';

export const LOSS_REASONS = ['memory-full', 'disk-full', 'damaged', 'refused', 'stopped'] as const;

export class Losses {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #counts = new Map<LossReason, number>();
  readonly #unsaid = new Map<LossReason, number>();
  #timer: Timer | null = null;

  constructor({ clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.#clock = clock;
    this.#log = log;
  }

  add(reason: LossReason, count: number): void {
    for (const counts of [this.#counts, this.#unsaid]) counts.set(reason, (counts.get(reason) ?? 0) + count);
    if (this.#timer === null) this.#say();
  }

  count(reason: LossReason): number {
    return this.#counts.get(reason) ?? 0;
  }

  /** Logs the losses that were not logged yet. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#unsaid.size > 0) this.#log.error('events.lost', errorFields(lost(this.#unsaid)));
    this.#unsaid.clear();
  }

  /** Logs the first loss at once, and the following ones together in one line from time to time. */
  #say(): void {
    if (this.#unsaid.size === 0) return;
    this.close();
    this.#timer = this.#clock.after(LOG_INTERVAL_MS, () => {
      this.#timer = null;
      this.#say();
    });
  }
}

const lost = (counts: ReadonlyMap<LossReason, number>) =>
  new FanoutError({
    code: 'EVENTS_LOST',
    message: `Events were lost: ${[...counts].map(([reason, count]) => `${count} ${reason}`).join(', ')}`,
    remedy:
      'Set FANOUT_CACHE_DIR so that events can wait on disk, give them more room (FANOUT_EVENTS_DISK_MAX), and see what the endpoint answers.',
    retryable: false,
    fields: Object.fromEntries(counts),
  });
