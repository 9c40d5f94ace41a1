// Which SDK keys a worker may answer for: the primary decides, and what it has said once is remembered until it takes it
// back. Knows nothing of how a key's datafile is found.

import type { Clock, Timer } from '../../core/clock.ts';
import type { SdkKey } from '../../core/ids.ts';
import type { FoundKey, KeyFinder, KeyRefusal } from '../datafiles/keys/keys.ts';
import type { PrimaryPeer } from './messages.ts';

/** Header texts resolved before, so that a request costs one look-up. */
const RESOLVED_MAX = 10_000;
/** How often the primary is told which keys on demand are in use: it lets go of those that are not. */
export const USED_INTERVAL_MS = 1_000;
/** The primary says that there is a datafile; it may still be on its way to this worker. */
export const DATAFILE_WAIT_MS = 3_000;

export interface RemoteKeysOptions {
  readonly primary: PrimaryPeer;
  readonly clock: Clock;
  readonly serves: (sdkKey: SdkKey) => boolean;
}

export class RemoteKeys implements KeyFinder {
  readonly #options: RemoteKeysOptions;
  readonly #resolved = new Map<string, FoundKey>();
  readonly #pending = new Map<string, Promise<FoundKey | KeyRefusal>>();
  readonly #waiting = new Map<SdkKey, Set<() => void>>();
  readonly #used = new Set<SdkKey>();
  #timer: Timer | null = null;

  constructor(options: RemoteKeysOptions) {
    this.#options = options;
  }

  resolved(header: string): FoundKey | undefined {
    const key = this.#resolved.get(header);
    if (key !== undefined && !key.configured) this.#use(key.sdkKey);
    return key;
  }

  resolve(header: string, client = ''): Promise<FoundKey | KeyRefusal> {
    if (header === '') return Promise.resolve('missing');
    let pending = this.#pending.get(header);
    if (pending === undefined) {
      pending = this.#ask(header, client).finally(() => this.#pending.delete(header));
      this.#pending.set(header, pending);
    }
    return pending;
  }

  /** A key has a datafile. */
  accepted(sdkKey: SdkKey): void {
    for (const run of this.#waiting.get(sdkKey) ?? []) run();
    this.#waiting.delete(sdkKey);
  }

  /** The primary serves the key no more. */
  forget(sdkKey: SdkKey): void {
    for (const [header, key] of this.#resolved) if (key.sdkKey === sdkKey) this.#resolved.delete(header);
  }

  stop(): void {
    this.#timer?.cancel();
  }

  async #ask(header: string, client: string): Promise<FoundKey | KeyRefusal> {
    const { primary, serves } = this.#options;
    // Without the primary this process ends in a moment.
    const found = await primary.ask('resolve', { header, client }).catch((): KeyRefusal => 'not-found');
    if (typeof found === 'string') return found;
    if (!serves(found.sdkKey)) await this.#datafile(found.sdkKey);
    if (!serves(found.sdkKey)) return 'not-found';
    if (this.#resolved.size >= RESOLVED_MAX) this.#resolved.clear();
    this.#resolved.set(header, found);
    return found;
  }

  #datafile(sdkKey: SdkKey): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(sdkKey) ?? new Set();
      this.#waiting.set(sdkKey, waiting);
      const timer = this.#options.clock.after(DATAFILE_WAIT_MS, () => {
        waiting.delete(done);
        resolve();
      });
      const done = () => {
        timer.cancel();
        resolve();
      };
      waiting.add(done);
    });
  }

  #use(sdkKey: SdkKey): void {
    this.#used.add(sdkKey);
    this.#timer ??= this.#options.clock.after(USED_INTERVAL_MS, () => {
      this.#timer = null;
      this.#options.primary.tell('used', [...this.#used]);
      this.#used.clear();
    });
  }
}
