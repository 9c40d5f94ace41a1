// What was asked of the CDN stand-in. "One fetch per change" is measured with these.

/** `fetches` are answers with a body. */
export type CdnOutcome = 'fetches' | 'notModified' | 'denied' | 'failed';

type Counts = Record<CdnOutcome | 'requests', number>;

const none = (): Counts => ({ requests: 0, fetches: 0, notModified: 0, denied: 0, failed: 0 });

export class CdnCounters {
  #total = none();
  #byKey: Record<string, Counts> = {};
  #events = 0;

  count(sdkKey: string, outcome: CdnOutcome): void {
    this.#byKey[sdkKey] ??= none();
    for (const counts of [this.#total, this.#byKey[sdkKey]]) {
      counts.requests++;
      counts[outcome]++;
    }
  }

  /** One POST of the SDK, however many events it holds. */
  countEvents(): void {
    this.#events++;
  }

  reset(): void {
    this.#total = none();
    this.#byKey = {};
    this.#events = 0;
  }

  toJson(): object {
    return { ...this.#total, events: this.#events, byKey: this.#byKey };
  }
}
