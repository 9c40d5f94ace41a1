// Looks for a datafile that a webhook has announced, until it serves or the last try: the bus message may still be on its
// way, and the CDN may be minutes behind. Only the keys concerned are looked for. Knows neither HTTP nor webhooks.

import type { Clock, Timer } from '../../core/clock.ts';
import type { SdkKey } from '../../core/ids.ts';
import { reachesRevision } from '../../core/version.ts';
import type { AnyStore } from '../datafiles/store.ts';

/** Waits between looks; after the last one the usual polling has to do. */
export const LOOK_AFTER_MS = [1_000, 2_000, 4_000, 8_000, 15_000, 30_000, 60_000] as const;

/** Between two glances at a key, however many are asked for: any webhook may ask for one. */
export const GLANCE_PAUSE_MS = 1_000;

export interface RefresherOptions {
  readonly clock: Clock;
  readonly store: Pick<AnyStore, 'get'>;
  /** Asks S3 now; null where there is no S3. */
  readonly askRecord: ((sdkKey: SdkKey) => Promise<void>) | null;
  /** Asks the CDN now. */
  readonly askCdn: (sdkKey: SdkKey) => Promise<void>;
  /** Keys that this agent serves. */
  readonly serves: (sdkKey: SdkKey) => boolean;
}

interface Search {
  revision: number;
  timer: Timer | null;
  looks: number;
  /** While it asks. */
  looking: Promise<void> | null;
}

interface Glance {
  readonly pause: Timer;
  /** Asked for since; done when the pause is over. */
  again: boolean;
}

export class Refresher {
  readonly #options: RefresherOptions;
  readonly #searches = new Map<SdkKey, Search>();
  /** Of the keys that were glanced at within the pause. */
  readonly #glances = new Map<SdkKey, Glance>();
  #stopped = false;

  constructor(options: RefresherOptions) {
    this.#options = options;
  }

  /** Begins to look for `revision`, or a later one. Resolves after the first look. */
  async refresh(sdkKey: SdkKey, revision: number): Promise<void> {
    // A key that is not served is read when it is first asked for.
    if (this.#stopped || !this.#options.serves(sdkKey)) return;
    const before = this.#searches.get(sdkKey);
    // The same webhook many times asks once.
    if (before !== undefined && before.looking !== null && reachesRevision(before, revision))
      return before.looking;
    before?.timer?.cancel();
    const latest = Math.max(revision, before?.revision ?? 0);
    const search: Search = { revision: latest, timer: null, looks: 0, looking: null };
    this.#searches.set(sdkKey, search);
    await this.#look(sdkKey, search);
  }

  /** Looks once: something may have changed, and no revision is known. Resolves then, or at once within the pause. */
  async glance(sdkKey: SdkKey): Promise<void> {
    if (this.#stopped || !this.#options.serves(sdkKey)) return;
    const before = this.#glances.get(sdkKey);
    if (before !== undefined) {
      before.again = true;
      return;
    }
    const pause = this.#options.clock.after(GLANCE_PAUSE_MS, () => {
      this.#glances.delete(sdkKey);
      if (glance.again) void this.glance(sdkKey);
    });
    const glance: Glance = { pause, again: false };
    this.#glances.set(sdkKey, glance);
    await this.#askSources(sdkKey);
  }

  stop(): void {
    this.#stopped = true;
    for (const { timer } of this.#searches.values()) timer?.cancel();
    for (const { pause } of this.#glances.values()) pause.cancel();
    this.#searches.clear();
    this.#glances.clear();
  }

  async #look(sdkKey: SdkKey, search: Search): Promise<void> {
    search.looking = this.#ask(sdkKey, search).finally(() => {
      search.looking = null;
    });
    await search.looking;
  }

  async #ask(sdkKey: SdkKey, search: Search): Promise<void> {
    const { store, clock, serves } = this.#options;
    await this.#askSources(sdkKey);
    if (this.#searches.get(sdkKey) !== search) return;
    const found = reachesRevision(store.get(sdkKey), search.revision);
    const waitMs = LOOK_AFTER_MS[search.looks++];
    if (found || waitMs === undefined || !serves(sdkKey)) {
      this.#searches.delete(sdkKey);
      return;
    }
    search.timer = clock.after(waitMs, () => void this.#look(sdkKey, search));
  }

  /** The record is the only truth for a key that has one; the CDN serves those that have not. */
  async #askSources(sdkKey: SdkKey): Promise<void> {
    const { store, askRecord, askCdn } = this.#options;
    if (askRecord !== null) await askRecord(sdkKey);
    if ((store.get(sdkKey)?.seq ?? 0) === 0) await askCdn(sdkKey);
  }
}
