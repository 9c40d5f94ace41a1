// A clock that a test holds by the hand: time passes only in `advance`.

import type { Clock, Timer } from '../../core/clock.ts';

interface Waiting {
  readonly atMs: number;
  readonly run: () => void;
}

export class ManualClock implements Clock {
  #nowMs: number;
  #waiting: Waiting[] = [];

  constructor(startMs = 1_700_000_000_000) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): Timer {
    const waiting = { atMs: this.#nowMs + delayMs, run };
    this.#waiting.push(waiting);
    return {
      cancel: () => {
        this.#waiting = this.#waiting.filter((one) => one !== waiting);
      },
    };
  }

  /** How many timers wait. */
  get waitingCount(): number {
    return this.#waiting.length;
  }

  /** Lets time pass and runs what falls due, in order of time. */
  advance(byMs: number): void {
    const endMs = this.#nowMs + byMs;
    for (;;) {
      const due = this.#waiting.filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#waiting = this.#waiting.filter((one) => one !== due);
      this.#nowMs = due.atMs;
      due.run();
    }
    this.#nowMs = endMs;
  }
}
