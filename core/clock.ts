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

const TIMER_DELAY_MAX_MS = 2 ** 31 - 1;

/** A delay that Node's timers take: they make 1 ms of more than 24 days. Such a timer fires early instead. */
export const timerDelayMs = (delayMs: number): number => Math.min(delayMs, TIMER_DELAY_MAX_MS);

/** Uniform in [0, 1). Handed in like the clock. */
export type Random = () => number;

/** Resolves after `delayMs` of the given clock. */
export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}

/** The result of `work`, or of `onTimeout` when `capMs` pass first. The end of `work` is ignored then. */
export async function withinMs<T, U>(
  clock: Clock,
  capMs: number,
  work: Promise<T>,
  onTimeout: () => U,
): Promise<T | U> {
  let cancel = (): void => {};
  const timeout = new Promise<U>((resolve, reject) => {
    const timer = clock.after(capMs, () => {
      try {
        resolve(onTimeout());
      } catch (error) {
        reject(error);
      }
    });
    cancel = () => timer.cancel();
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    cancel();
  }
}
