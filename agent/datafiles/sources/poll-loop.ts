// One repeated look: single flight, jittered interval, exponential backoff on errors. Used by the sources that
// poll; knows nothing of what a look is.

import type { Clock, Random, Timer } from '../../../core/clock.ts';
import { type RateLimit, type RateState, takeToken } from '../../../core/rate-limit.ts';

/** Each wait is spread by this share to both sides, so that a fleet does not ask in step. */
export const JITTER_SHARE = 0.2;

export interface PollLoopOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** One look; rejects when it failed. */
  readonly look: () => Promise<void>;
  /** Wait between looks, in milliseconds; asked anew before every wait. */
  readonly intervalMs: () => number;
  readonly backoffFirstMs: number;
  readonly backoffMaxMs: number;
  /** How many looks are made at once and then a second, however often one is asked for; left out: any number. */
  readonly limit?: RateLimit;
}

export class PollLoop {
  readonly #options: PollLoopOptions;
  #timer: Timer | null = null;
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;
  #failures = 0;
  /** The interval that the present wait was made from. */
  #plannedMs = 0;
  #stopped = false;
  #rate: RateState | null = null;
  /** Ends the wait of callers that asked for more looks than the limit allows. */
  #waiting: { readonly timer: Timer; readonly end: () => void } | null = null;

  constructor(options: PollLoopOptions) {
    this.#options = options;
  }

  /**
   * Looks now, or as soon as the limit allows. Resolves after a look that began after this call, also when it failed; shared by
   * all who ask meanwhile.
   */
  now(): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    if (this.#running === null && this.#next === null && this.#take() === 0) return this.#run();
    // A look in flight may have read before the caller's reason to ask: it takes another one.
    this.#next ??= this.#lookNext();
    return this.#next;
  }

  /** Takes up a changed interval without waiting for the old one to pass. A loop that backs off stays so. */
  reschedule(): void {
    const idle = this.#timer !== null && this.#failures === 0;
    // An unchanged one goes on: starting it anew at every change would put the next look off for ever.
    if (idle && this.#options.intervalMs() !== this.#plannedMs) this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#timer = null;
    this.#waiting?.timer.cancel();
    this.#waiting?.end();
  }

  async #lookNext(): Promise<void> {
    await this.#running;
    for (let waitMs = this.#take(); waitMs > 0 && !this.#stopped; waitMs = this.#take())
      await new Promise<void>((end) => {
        this.#waiting = { timer: this.#options.clock.after(waitMs, end), end };
      });
    this.#waiting = null;
    // A look that the interval began meanwhile may be older than the latest reason to ask.
    await this.#running;
    this.#next = null;
    if (!this.#stopped) await this.#run();
  }

  /** Takes one look from the limit. @returns how long to wait before trying again, in milliseconds; 0: it was there */
  #take(): number {
    const { clock, limit } = this.#options;
    if (limit === undefined) return 0;
    const { state, waitMs } = takeToken(this.#rate, clock.nowMs(), limit);
    this.#rate = state;
    return Math.ceil(waitMs);
  }

  #run(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    this.#running = this.#options.look().then(
      () => this.#finished(true),
      () => this.#finished(false),
    );
    return this.#running;
  }

  #finished(ok: boolean): void {
    this.#running = null;
    this.#failures = ok ? 0 : this.#failures + 1;
    this.#schedule();
  }

  #schedule(): void {
    this.#timer?.cancel();
    if (this.#stopped) return;
    this.#timer = this.#options.clock.after(this.#waitMs(), () => {
      if (this.#running === null) this.#run();
    });
  }

  #waitMs(): number {
    const { backoffFirstMs, backoffMaxMs, intervalMs, random } = this.#options;
    const backoffMs = backoffFirstMs * 2 ** Math.min(this.#failures - 1, 20);
    this.#plannedMs = intervalMs();
    const baseMs = this.#failures === 0 ? this.#plannedMs : Math.min(backoffMs, backoffMaxMs);
    return Math.round(baseMs * (1 + JITTER_SHARE * (2 * random() - 1)));
  }
}
