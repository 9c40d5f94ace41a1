// The endpoints events go to, made as they are needed: one that the operator named, or those that the SDK knows.

import { Outlet, type OutletOptions } from './endpoint.ts';
import type { Batch, QueuedEvent } from './event.ts';

export class Outlets {
  readonly #url: string | null;
  readonly #options: Omit<OutletOptions, 'url'>;
  readonly #byUrl = new Map<string, Outlet>();

  /** @param url where all events go; null: where the SDK says */
  constructor(url: string | null, options: Omit<OutletOptions, 'url'>) {
    this.#url = url;
    this.#options = options;
  }

  all(): readonly Outlet[] {
    return [...this.#byUrl.values()];
  }

  to(sdkUrl: string): Outlet {
    const url = this.#url ?? sdkUrl;
    let outlet = this.#byUrl.get(url);
    if (outlet === undefined) {
      outlet = new Outlet({ ...this.#options, url });
      this.#byUrl.set(url, outlet);
    }
    return outlet;
  }

  push(batch: Batch): void {
    this.to((batch[0] as QueuedEvent).lane.url).push(batch);
  }

  /** A batch that has waited longest at its endpoint. */
  takeFirst(): Batch | undefined {
    for (const outlet of this.#byUrl.values()) {
      const batch = outlet.takeFirst();
      if (batch !== undefined) return batch;
    }
    return undefined;
  }

  /** Batches that are not delivered yet. */
  get batchCount(): number {
    return this.all().reduce((sum, { batchCount }) => sum + batchCount, 0);
  }

  /** None of them takes anything; before the first event nobody knows. */
  get areDown(): boolean {
    const all = this.all();
    return all.length > 0 && !all.some(({ healthy }) => healthy);
  }
}
