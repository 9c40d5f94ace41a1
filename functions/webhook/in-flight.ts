// Many webhooks of one change at once cost little more than one: those that come while the work is under way share one more
// run of it, which begins after all of them came, so that each finds in it what it announced. State of one process.

import type { Applied } from './apply-or-queue.ts';

interface Flight {
  readonly current: Promise<Applied>;
  next: Promise<Applied> | null;
}

export class InFlight {
  readonly #flights = new Map<string, Flight>();

  /** Keys with work under way. */
  get size(): number {
    return this.#flights.size;
  }

  /**
   * The status of `work`, or of another's for the same key that began later than this call. What is queued or failed is
   * not tried again by those who waited: their change is as safe, or as unsafe, as that one. Rejects only as `work` does.
   */
  join(key: string, work: () => Promise<Applied>): Promise<Applied> {
    const flight = this.#flights.get(key);
    if (flight === undefined) return this.#begin(key, work);
    flight.next ??= flight.current.then((status) => (status === 204 ? this.#begin(key, work) : status));
    return flight.next;
  }

  #begin(key: string, work: () => Promise<Applied>): Promise<Applied> {
    const current = work();
    const flight: Flight = { current, next: null };
    this.#flights.set(key, flight);
    const forget = () => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    };
    current.then(forget, forget);
    return current;
  }
}
