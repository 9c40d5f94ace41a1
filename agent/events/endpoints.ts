// The endpoints events go to, made as they are needed: one that the operator named, or those that the SDK knows.

import { EventEndpoint, type EventEndpointOptions } from './endpoint.ts';
import type { Batch, QueuedEvent } from './event.ts';

export class EventEndpoints {
  readonly #url: string | null;
  readonly #options: Omit<EventEndpointOptions, 'url'>;
  readonly #byUrl = new Map<string, EventEndpoint>();

  /** @param url where all events go; null: where the SDK says */
  constructor(url: string | null, options: Omit<EventEndpointOptions, 'url'>) {
    this.#url = url;
    this.#options = options;
  }

  all(): readonly EventEndpoint[] {
    return [...this.#byUrl.values()];
  }

  to(sdkUrl: string): EventEndpoint {
    const url = this.#url ?? sdkUrl;
    let endpoint = this.#byUrl.get(url);
    if (endpoint === undefined) {
      endpoint = new EventEndpoint({ ...this.#options, url });
      this.#byUrl.set(url, endpoint);
    }
    return endpoint;
  }

  push(batch: Batch): void {
    this.to((batch[0] as QueuedEvent).lane.url).push(batch);
  }

  /** A batch that has waited longest at its endpoint. */
  takeFirst(): Batch | undefined {
    for (const endpoint of this.#byUrl.values()) {
      const batch = endpoint.takeFirst();
      if (batch !== undefined) return batch;
    }
    return undefined;
  }

  /** Batches that are not delivered yet. */
  get batchCount(): number {
    return this.all().reduce((sum, { batchCount }) => sum + batchCount, 0);
  }

  /** True when no endpoint accepts events. False before the first event, when none has been tried. */
  get areDown(): boolean {
    const all = this.all();
    return all.length > 0 && !all.some(({ healthy }) => healthy);
  }
}
