// Runs a piece of work again and again, never twice at once, on the clock that it is handed. Knows nothing of the work.

import type { Clock, Random, Timer } from '../../core/clock.ts';

export interface TickerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly intervalMs: number;
  /** Share of the interval by which a run may come early or late, so that replicas do not ask in step. */
  readonly jitter: number;
  /** Must not reject. */
  readonly work: () => Promise<void>;
}

export interface Ticker {
  /** The first run begins at once. */
  start(): void;
  /** No further run begins; resolves when the one under way has ended. */
  stop(): Promise<void>;
}

/** Intervals count from start to start; a run that takes longer than one delays the next. */
export function createTicker({ clock, random, intervalMs, jitter, work }: TickerOptions): Ticker {
  let timer: Timer | undefined;
  let isStopped = false;
  let running: Promise<void> = Promise.resolve();
  const tick = async () => {
    const startedAtMs = clock.nowMs();
    await work();
    if (isStopped) return;
    const apartMs = intervalMs * (1 + jitter * (2 * random() - 1));
    const tookMs = clock.nowMs() - startedAtMs;
    // A clock that was set back must not make it wait for hours.
    const waitMs = Math.min(apartMs, Math.max(0, apartMs - tookMs));
    timer = clock.after(waitMs, run);
  };
  const run = () => {
    running = tick();
  };
  return {
    start: run,
    stop: () => {
      isStopped = true;
      timer?.cancel();
      return running;
    },
  };
}
