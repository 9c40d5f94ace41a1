// Configured keys that do not exist: the CDN refuses them and the record has none, as of a deleted environment or a key that
// was misspelt. One of them must not keep an agent from serving the others. Knows neither sources nor HTTP.

import { errorFields, FanoutError } from '../../../core/errors.ts';
import type { SdkKey } from '../../../core/ids.ts';
import type { Log } from '../../../core/log.ts';
import type { Existence } from '../follow.ts';

/** How often the log says so again of a key that stays unknown. */
export const UNKNOWN_REPEATED_MS = 60 * 60_000;

/** One key, as Optimizely answered. */
export interface UnknownKey {
  readonly sinceMs: number;
  /** HTTP status of the CDN, 403 or 404. */
  readonly cdnStatus: number;
}

export interface UnknownKeysOptions {
  readonly log: Log;
  readonly nowMs: () => number;
  readonly existenceOf: (sdkKey: SdkKey) => Existence;
}

export class UnknownKeys {
  readonly #options: UnknownKeysOptions;
  readonly #unknown = new Map<SdkKey, UnknownKey>();
  /** Stays when the key appears: that must not take an agent out of rotation which is in it. */
  readonly #exempt = new Set<SdkKey>();
  readonly #saidAtMs = new Map<SdkKey, number>();

  constructor(options: UnknownKeysOptions) {
    this.#options = options;
  }

  of(sdkKey: SdkKey): UnknownKey | null {
    return this.#unknown.get(sdkKey) ?? null;
  }

  all(): ReadonlyMap<SdkKey, UnknownKey> {
    return this.#unknown;
  }

  /** Whether readiness does without the key: once it was unknown, for as long as the agent lives. */
  isExempt(sdkKey: SdkKey): boolean {
    return this.#exempt.has(sdkKey);
  }

  /**
   * A source has looked for a configured key. An unknown key stays unknown while its sources fail: an outage of the CDN says
   * nothing new. True when the key is unknown, and the log says so as often as it should.
   */
  looked(sdkKey: SdkKey): boolean {
    const { log, nowMs, existenceOf } = this.#options;
    const cdnStatus = existenceOf(sdkKey);
    if (cdnStatus === 'exists') this.found(sdkKey);
    if (typeof cdnStatus === 'string') return false;
    const sinceMs = this.#unknown.get(sdkKey)?.sinceMs ?? nowMs();
    this.#unknown.set(sdkKey, { sinceMs, cdnStatus });
    this.#exempt.add(sdkKey);
    const saidAtMs = this.#saidAtMs.get(sdkKey);
    if (saidAtMs === undefined || nowMs() - saidAtMs >= UNKNOWN_REPEATED_MS) {
      this.#saidAtMs.set(sdkKey, nowMs());
      const since = new Date(sinceMs).toISOString();
      log.error('key.unknown', { since, ...errorFields(unknownToAll(sdkKey, cdnStatus)) });
    }
    return true;
  }

  /** Optimizely or the record has it after all. */
  found(sdkKey: SdkKey): void {
    this.#unknown.delete(sdkKey);
    this.#saidAtMs.delete(sdkKey);
  }
}

const unknownToAll = (sdkKey: SdkKey, status: number) =>
  new FanoutError({
    code: 'SDK_KEY_UNKNOWN',
    message: `Optimizely answers ${status} for the configured key ${sdkKey}, and nothing else has a datafile of it`,
    remedy:
      'Take it out of OPTIMIZELY_SDKKEYS if its environment was deleted; else check it, and its access token if the environment is secure. The other keys are served; this one is looked for again by itself.',
    retryable: true,
    fields: { sdkKey, status },
  });
