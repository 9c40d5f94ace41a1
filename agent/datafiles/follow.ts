// How one key's datafile is found and kept current: disk first, then bus and S3 side by side, the CDN last; none of them is
// waited for alone. The fallback rule is here too: how often S3 is asked, by the state of the bus. Knows the sources by contract only.

import { type Clock, withinMs } from '../../core/clock.ts';
import type { SdkKey } from '../../core/ids.ts';
import { isOfRecord, type Version } from '../../core/version.ts';
import type { CdnAnswer, CdnSource } from './sources/cdn.ts';
import type { RecordSource } from './sources/record.ts';
import type { Source } from './sources/source.ts';
import type { AnyStore } from './store.ts';

/** How long the disk may take before bus and S3 are asked as well: a local one answers within milliseconds, or hangs. */
export const DISK_WAIT_MS = 500;
/** How long bus and S3 may take to bring a key's first datafile before the CDN is asked as well. */
export const CDN_BOOT_WAIT_MS = 1_000;
/** How long a request waits for the first datafile of its key. */
export const FIRST_DATAFILE_WAIT_MS = 8_000;

/** The CDN's answers for an environment that was deleted or never was; 401 and all others say less. */
const UNKNOWN: ReadonlySet<number> = new Set([403, 404]);

export interface Sources {
  readonly disk: Source | null;
  readonly nats: Source | null;
  readonly record: (Source & Pick<RecordSource, 'has'>) | null;
  readonly cdn: CdnSource;
}

export interface FollowOptions {
  readonly store: AnyStore;
  readonly sources: Sources;
  readonly clock: Clock;
}

/**
 * Whether record or CDN has a datafile of a key: a number is the HTTP status with which the CDN denies one that the record does
 * not have either. Unclear while one of them has not answered: an outage is no denial.
 */
export type Existence = 'exists' | 'unclear' | number;

export class Follower {
  readonly #options: FollowOptions;
  readonly #firstDatafile = new Map<SdkKey, () => void>();

  constructor(options: FollowOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the key has a datafile, or when every source has been asked and has none. Never rejects.
   * @param vouched what the CDN has just answered: it need not be asked again, should its turn come
   */
  async follow(sdkKey: SdkKey, vouched: CdnAnswer | null = null): Promise<void> {
    try {
      await this.#firstLooks(sdkKey, vouched);
    } finally {
      vouched?.discard();
    }
  }

  unfollow(sdkKey: SdkKey): void {
    const { store, sources } = this.#options;
    this.#firstDatafile.delete(sdkKey);
    for (const source of [sources.nats, sources.record, sources.cdn, sources.disk]) source?.unwatch(sdkKey);
    store.forget(sdkKey);
  }

  /** Why a key has no datafile, as far as its sources can tell; null when it has one. */
  refusal(sdkKey: SdkKey): 'denied' | 'not-found' | null {
    if (this.#options.store.get(sdkKey) !== null) return null;
    return refusalOf(this.#options.sources.cdn.refusal(sdkKey));
  }

  existenceOf(sdkKey: SdkKey): Existence {
    const { store, sources } = this.#options;
    if (store.get(sdkKey) !== null) return 'exists';
    const inRecord = sources.record === null ? false : sources.record.has(sdkKey);
    if (inRecord !== false) return inRecord === null ? 'unclear' : 'exists';
    const status = sources.cdn.status(sdkKey);
    if (status === 200) return 'exists';
    return status !== null && UNKNOWN.has(status) ? status : 'unclear';
  }

  /** Whether the CDN would let this token read this key: its answer when it would. */
  async vouch(sdkKey: SdkKey, token: string | null): Promise<CdnAnswer | 'denied' | 'not-found'> {
    const answer = await this.#options.sources.cdn.vouch(sdkKey, token);
    return typeof answer === 'number' ? refusalOf(answer) : answer;
  }

  /** A key has a new datafile; once it is from the record, the CDN has nothing more to say. */
  accepted(sdkKey: SdkKey, version: Pick<Version, 'seq'>): void {
    this.#firstDatafile.get(sdkKey)?.();
    if (isOfRecord(version)) this.#options.sources.cdn.unwatch(sdkKey);
  }

  async #firstLooks(sdkKey: SdkKey, vouched: CdnAnswer | null): Promise<void> {
    const { store, sources } = this.#options;
    store.watch(sdkKey);
    const first = new Promise<void>((resolve) => {
      this.#firstDatafile.set(sdkKey, resolve);
    });
    if (sources.disk !== null) await this.#within(DISK_WAIT_MS, [sources.disk.watch(sdkKey)]);
    const asked = [sources.nats, sources.record].filter((source) => source !== null);
    const looks = Promise.all(asked.map((source) => source.watch(sdkKey)));
    if (this.#hasFirst(sdkKey, vouched)) return;
    await this.#within(CDN_BOOT_WAIT_MS, [first, looks]);
    if (this.#hasFirst(sdkKey, vouched) || !this.#firstDatafile.has(sdkKey)) return;
    const all = Promise.all([looks, sources.cdn.watch(sdkKey, vouched)]);
    await this.#within(FIRST_DATAFILE_WAIT_MS, [first, all]);
  }

  /** The CDN goes on being asked for what the disk kept of it, and of it alone. */
  #hasFirst(sdkKey: SdkKey, vouched: CdnAnswer | null): boolean {
    const held = this.#options.store.get(sdkKey);
    if (held !== null && !isOfRecord(held)) void this.#options.sources.cdn.watch(sdkKey, vouched);
    return held !== null;
  }

  #within(timeoutMs: number, promises: readonly Promise<unknown>[]): Promise<unknown> {
    return withinMs(this.#options.clock, timeoutMs, Promise.race(promises), () => {});
  }
}

const refusalOf = (status: number | null): 'denied' | 'not-found' =>
  status === 403 || status === 401 ? 'denied' : 'not-found';
