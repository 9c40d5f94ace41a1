// Which SDK keys this agent serves: the configured ones, and others on demand within a limit. Decides who may ask for
// a key; how its datafile is found is handed in.

import { createHash, timingSafeEqual } from 'node:crypto';
import { type SdkKey, toSdkKey } from '../core/ids.ts';
import type { ConfiguredKey } from './config.ts';

/** A key that was refused is not asked for again within this time. */
export const REFUSAL_REMEMBERED_MS = 30_000;
const REFUSALS_MAX = 1_000;
/** Header texts resolved before, so that a request costs one look-up. */
const RESOLVED_MAX = 10_000;
/** `sdkKey` or `sdkKey:datafileAccessToken`. */
const HEADER_PATTERN = /^([A-Za-z0-9_+/=-]{1,128})(?::([\x21-\x7e]{1,512}))?$/;

export interface ServedKey {
  readonly sdkKey: SdkKey;
  readonly accessToken: string | null;
  readonly configured: boolean;
  /** Resolves when it has a datafile or there is nothing more to wait for. */
  readonly ready: Promise<void>;
  lastUsedMs: number;
}

export type KeyRefusal = 'missing' | 'malformed' | 'denied' | 'not-found' | 'too-many';

export interface KeysOptions {
  readonly configured: readonly ConfiguredKey[];
  readonly onDemandMax: number;
  readonly nowMs: () => number;
  /** Begins to serve a key; resolves after the first look everywhere. */
  readonly follow: (sdkKey: SdkKey) => Promise<void>;
  readonly unfollow: (sdkKey: SdkKey) => void;
  /** What the key's sources said when it has no datafile; null when it has one. */
  readonly refusal: (sdkKey: SdkKey) => 'denied' | 'not-found' | null;
}

export class Keys {
  readonly #options: KeysOptions;
  readonly #served = new Map<SdkKey, ServedKey>();
  readonly #resolved = new Map<string, ServedKey>();
  readonly #refusedUntilMs = new Map<string, { readonly untilMs: number; readonly refusal: KeyRefusal }>();

  constructor(options: KeysOptions) {
    this.#options = options;
  }

  /** Begins to serve the configured keys. */
  start(): void {
    for (const { sdkKey, accessToken } of this.#options.configured) this.#add(sdkKey, accessToken, true);
  }

  all(): Iterable<ServedKey> {
    return this.#served.values();
  }

  tokenOf(sdkKey: SdkKey): string | null {
    return this.#served.get(sdkKey)?.accessToken ?? null;
  }

  /** The key that a header text names, when it is served already and may be asked for with it. */
  resolved(header: string): ServedKey | undefined {
    const key = this.#resolved.get(header);
    if (key !== undefined && !key.configured) key.lastUsedMs = this.#options.nowMs();
    return key;
  }

  /** Like resolved(), but loads an unlisted key and waits for its first datafile. */
  async resolve(header: string): Promise<ServedKey | KeyRefusal> {
    if (header === '') return 'missing';
    const match = HEADER_PATTERN.exec(header);
    if (match === null) return 'malformed';
    const sdkKey = toSdkKey(match[1] as string);
    const accessToken = match[2] ?? null;
    const served = this.#served.get(sdkKey);
    if (served !== undefined && !tokensMatch(served.accessToken, accessToken)) return 'denied';
    const remembered = this.#remembered(header);
    if (served === undefined && remembered !== null) return remembered;
    if (served === undefined && !this.#makeRoom()) return 'too-many';
    const key = served ?? this.#add(sdkKey, accessToken, false);
    await key.ready;
    const refusal = this.#options.refusal(sdkKey);
    if (refusal === null) {
      if (this.#served.get(sdkKey) === key) this.#remember(header, key);
      return key;
    }
    if (!key.configured) this.#refuse(header, key, refusal);
    return refusal;
  }

  #add(sdkKey: SdkKey, accessToken: string | null, configured: boolean): ServedKey {
    const lastUsedMs = this.#options.nowMs();
    let found = () => {};
    const ready = new Promise<void>((resolve) => {
      found = resolve;
    });
    // In the table before it is followed: its sources ask for its access token.
    const key: ServedKey = { sdkKey, accessToken, configured, ready, lastUsedMs };
    this.#served.set(sdkKey, key);
    void this.#options.follow(sdkKey).finally(found);
    return key;
  }

  /** True when another key may be loaded; lets go of the one that was unused for longest if need be. */
  #makeRoom(): boolean {
    if (this.#options.onDemandMax === 0) return false;
    const onDemand = [...this.#served.values()].filter(({ configured }) => !configured);
    if (onDemand.length < this.#options.onDemandMax) return true;
    const oldest = onDemand.reduce((a, b) => (b.lastUsedMs < a.lastUsedMs ? b : a));
    this.#drop(oldest);
    return true;
  }

  #refuse(header: string, key: ServedKey, refusal: KeyRefusal): void {
    if (this.#served.get(key.sdkKey) === key) this.#drop(key);
    if (this.#refusedUntilMs.size >= REFUSALS_MAX) this.#refusedUntilMs.clear();
    const untilMs = this.#options.nowMs() + REFUSAL_REMEMBERED_MS;
    this.#refusedUntilMs.set(header, { untilMs, refusal });
  }

  #remembered(header: string): KeyRefusal | null {
    const remembered = this.#refusedUntilMs.get(header);
    if (remembered === undefined) return null;
    if (remembered.untilMs > this.#options.nowMs()) return remembered.refusal;
    this.#refusedUntilMs.delete(header);
    return null;
  }

  #remember(header: string, key: ServedKey): void {
    if (this.#resolved.size >= RESOLVED_MAX) this.#resolved.clear();
    this.#resolved.set(header, key);
  }

  #drop(key: ServedKey): void {
    this.#served.delete(key.sdkKey);
    for (const [header, resolved] of this.#resolved) if (resolved === key) this.#resolved.delete(header);
    this.#options.unfollow(key.sdkKey);
  }
}

/** A key without a token may be asked for with any: the environment is not a secure one. */
function tokensMatch(wanted: string | null, given: string | null): boolean {
  if (wanted === null) return true;
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return given !== null && timingSafeEqual(digest(wanted), digest(given));
}
