// Finds workers that do not answer any more: stopped by a signal, or in a loop without end. Their connections hang, and nothing else
// would end them. Knows nothing of how a worker is replaced.

import type { Clock, Timer } from '../../core/clock.ts';
import type { LiveWorker } from './live-worker.ts';

const PING_INTERVAL_MS = 1_000;
/** A worker that does not answer for so long is frozen. Longer than all that a worker does in one piece, such as building a datafile. */
export const FROZEN_AFTER_MS = 10_000;
const SILENT_TICKS_MAX = FROZEN_AFTER_MS / PING_INTERVAL_MS;

export interface FrozenWatchOptions {
  readonly clock: Clock;
  /** Those that serve: others are starting or stopping, within limits of their own. */
  readonly workers: () => readonly LiveWorker[];
  /** Told once of each. */
  readonly onFrozen: (worker: LiveWorker) => void;
}

/**
 * Silence is counted in ticks of the primary, not by the clock: where the machine is slow, or was suspended, the primary's
 * own ticks come late too, and a worker has as much longer to answer.
 */
export class FrozenWatch {
  readonly #options: FrozenWatchOptions;
  /** By worker that was asked and has not answered: ticks since then. */
  readonly #silentTicks = new Map<LiveWorker, number>();
  #timer: Timer | null = null;
  #stopped = false;
  #frozenCount = 0;

  constructor(options: FrozenWatchOptions) {
    this.#options = options;
  }

  /** Since the start. */
  get frozenCount(): number {
    return this.#frozenCount;
  }

  start(): void {
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#timer = this.#options.clock.after(PING_INTERVAL_MS, () => {
      this.#tick();
      // Only after the channels were read: an answer that is there already must not count as silence.
      setImmediate(() => this.#schedule());
    });
  }

  #tick(): void {
    const workers = this.#options.workers();
    for (const worker of this.#silentTicks.keys())
      if (!workers.includes(worker)) this.#silentTicks.delete(worker);
    for (const worker of workers) {
      const ticks = this.#silentTicks.get(worker);
      if (ticks === undefined) this.#ping(worker);
      else if (ticks + 1 < SILENT_TICKS_MAX) this.#silentTicks.set(worker, ticks + 1);
      else this.#frozen(worker);
    }
  }

  #ping(worker: LiveWorker): void {
    this.#silentTicks.set(worker, 0);
    const answered = () => void this.#silentTicks.delete(worker);
    // A worker that is gone, or cannot answer for another reason, is not frozen.
    worker.peer.ask('ping', null).then(answered, answered);
  }

  #frozen(worker: LiveWorker): void {
    // Stays known as silent, and is not told of again, until it has ended.
    if (this.#silentTicks.get(worker) === Number.POSITIVE_INFINITY) return;
    this.#silentTicks.set(worker, Number.POSITIVE_INFINITY);
    this.#frozenCount++;
    this.#options.onFrozen(worker);
  }
}
