// Work that no answer waits for, one small step at a time with pauses between, so that requests are hardly ever in its way. Knows
// nothing of what is done.

import type { Clock, Timer } from '../../../core/clock.ts';

/** Between two steps. */
export const IDLE_PAUSE_MS = 50;
/** Pieces of work that wait; more are not taken. */
export const IDLE_WAITING_MAX = 64;

/** One step after another; it must not throw. */
export type IdleSteps = Iterator<unknown>;

export class IdleWork {
  readonly #clock: Clock;
  readonly #waiting: IdleSteps[] = [];
  #timer: Timer | null = null;
  #isStopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get nowMs(): number {
    return this.#clock.nowMs();
  }

  /** False where too much waits already. */
  add(steps: IdleSteps): boolean {
    if (this.#isStopped || this.#waiting.length >= IDLE_WAITING_MAX) return false;
    this.#waiting.push(steps);
    this.#schedule();
    return true;
  }

  stop(): void {
    this.#isStopped = true;
    this.#waiting.length = 0;
    this.#timer?.cancel();
    this.#timer = null;
  }

  #schedule(): void {
    if (this.#isStopped || this.#timer !== null || this.#waiting.length === 0) return;
    this.#timer = this.#clock.after(IDLE_PAUSE_MS, () => {
      this.#timer = null;
      const [first] = this.#waiting;
      if (first?.next().done) this.#waiting.shift();
      this.#schedule();
    });
  }
}
