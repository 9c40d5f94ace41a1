// The counts of all processes of an agent. The primary asks the workers at each scrape. The counts of a dead worker stay in
// the sums, as counters that go back would look like a restart.

import type { Clock } from '../../../core/clock.ts';
import type { ProcessCounts } from '../../metrics/metrics.ts';
import { addCounts, sumOfRoutes } from '../../metrics/request-counts.ts';
import { sumOfTimers } from '../../metrics/timers.ts';
import { within } from '../../services/time-limit.ts';
import type { LiveWorker } from '../live-worker.ts';

/** A worker that is busy for longer is shown as it was before. */
export const COUNTS_TIMEOUT_MS = 1_000;

export class Totals {
  readonly #clock: Clock;
  readonly #workers: () => readonly LiveWorker[];
  readonly #last = new Map<LiveWorker, ProcessCounts>();
  #ofDead: ProcessCounts | null = null;

  constructor(clock: Clock, workers: () => readonly LiveWorker[]) {
    this.#clock = clock;
    this.#workers = workers;
  }

  /** Asks all workers. Never rejects. */
  async gather(): Promise<void> {
    const asked = this.#workers().map(async (worker) => {
      const counts = within(this.#clock, COUNTS_TIMEOUT_MS, 'A worker', worker.peer.ask('counts', null));
      // Busy or gone: health says so.
      const known = await counts.catch(() => null);
      if (known !== null && this.#workers().includes(worker)) this.#last.set(worker, known);
    });
    await Promise.all(asked);
  }

  /** As of the last gather(). */
  all(): readonly ProcessCounts[] {
    return this.#ofDead === null ? [...this.#last.values()] : [...this.#last.values(), this.#ofDead];
  }

  gone(worker: LiveWorker): void {
    const last = this.#last.get(worker);
    this.#last.delete(worker);
    if (last === undefined) return;
    const { routes = new Map(), timers = new Map(), failures = new Map() } = this.#ofDead ?? {};
    const allFailures = new Map(failures);
    addCounts(allFailures, last.failures);
    this.#ofDead = {
      routes: sumOfRoutes([routes, last.routes]),
      timers: sumOfTimers([timers, last.timers]),
      failures: allFailures,
      ofProcess: [],
      memory: { rss: 0, heapTotal: 0, heapUsed: 0 },
    };
  }
}
