// Time as a thing that is handed in. Core and the parts around it never read the wall clock themselves, so a
// test can hold the hand and a seed can replay a failure. The real clock is made in the entry files.

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since the epoch. May jump: use it for stamps and ages, not for ordering. */
  nowMs(): number;
  /** Calls `run` once after `delayMs`, unless cancelled first. */
  after(delayMs: number, run: () => void): Timer;
}

/** Uniform in [0, 1). Handed in like the clock. */
export type Random = () => number;

/** Resolves after `delayMs` of the given clock. */
export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}
