// Many webhooks of one change at once cost little more than one: those that arrive while the work is running share one more
// run, which begins after all of them arrived, so that it sees what each of them announced. State of one process.

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
   * The status of `work`, or of another call's work for the same key that began later than this call. Callers that waited do not
   * repeat work that was queued or failed: their change is as safe, or as unsafe, as that one. Rejects only as `work` does.
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
