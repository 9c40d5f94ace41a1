// Which SDK keys this agent serves: the configured ones, and others on demand within a limit. Decides who may ask for
// a key; how its datafile is found is handed in.

import { createHash, timingSafeEqual } from 'node:crypto';
import { type SdkKey, toSdkKey } from '../core/ids.ts';
import type { KeyPattern } from './config/key-pattern.ts';
import type { ConfiguredKey } from './config.ts';
import { Looks } from './looks.ts';
import type { CdnAnswer } from './sources/cdn.ts';

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

/** What those who ask for a key are told of it. */
export type FoundKey = Pick<ServedKey, 'sdkKey' | 'configured'>;

/** The keys for those who only ask for them. */
export interface KeyFinder {
  /** The key that a header text names, when it is served already and may be asked for with it. */
  resolved(header: string): FoundKey | undefined;
  /**
   * Like resolved(), but loads an unlisted key and waits for its first datafile. Never rejects.
   * @param client who asks, of whom too many unlisted keys are turned away
   */
  resolve(header: string, client?: string): Promise<FoundKey | KeyRefusal>;
}

export type KeyRefusal = 'missing' | 'malformed' | 'denied' | 'not-found' | 'too-many';

export interface KeysOptions {
  readonly configured: readonly ConfiguredKey[];
  readonly onDemandMax: number;
  /** What a header must match beyond naming a key; null: nothing. */
  readonly pattern?: KeyPattern | null;
  readonly nowMs: () => number;
  /** Begins to serve a key; resolves after the first look everywhere. Never rejects. */
  readonly follow: (sdkKey: SdkKey, vouched: CdnAnswer | null) => Promise<void>;
  readonly unfollow: (sdkKey: SdkKey) => void;
  /** Whether a key that is not configured may be read with this token; the record would give it to anybody. */
  readonly vouch: (sdkKey: SdkKey, token: string | null) => Promise<CdnAnswer | 'denied' | 'not-found'>;
  /** What the key's sources said when it has no datafile; null when it has one. */
  readonly refusal: (sdkKey: SdkKey) => 'denied' | 'not-found' | null;
}

export class Keys implements KeyFinder {
  readonly #options: KeysOptions;
  readonly #served = new Map<SdkKey, ServedKey>();
  readonly #resolved = new Map<string, ServedKey>();
  readonly #pending = new Map<string, Promise<ServedKey | KeyRefusal>>();
  readonly #looks: Looks;
  readonly #refused = new Map<string, { readonly untilMs: number; readonly refusal: KeyRefusal }>();

  constructor(options: KeysOptions) {
    this.#options = options;
    this.#looks = new Looks({ keysMax: options.onDemandMax, nowMs: options.nowMs });
  }

  /** Begins to serve the configured keys. */
  start(): void {
    for (const { sdkKey, accessToken } of this.#options.configured)
      this.#add(sdkKey, accessToken, true, null);
  }

  all(): Iterable<ServedKey> {
    return this.#served.values();
  }

  serves(sdkKey: SdkKey): boolean {
    return this.#served.has(sdkKey);
  }

  isConfigured(sdkKey: SdkKey): boolean {
    return this.#served.get(sdkKey)?.configured === true;
  }

  /** Somebody else was asked for the key. */
  used(sdkKey: SdkKey): void {
    const key = this.#served.get(sdkKey);
    if (key !== undefined) key.lastUsedMs = this.#options.nowMs();
  }

  tokenOf(sdkKey: SdkKey): string | null {
    return this.#served.get(sdkKey)?.accessToken ?? null;
  }

  resolved(header: string): ServedKey | undefined {
    const key = this.#resolved.get(header);
    if (key !== undefined && !key.configured) key.lastUsedMs = this.#options.nowMs();
    return key;
  }

  async resolve(header: string, client = ''): Promise<ServedKey | KeyRefusal> {
    if (header === '') return 'missing';
    const match = HEADER_PATTERN.exec(header);
    if (match === null || !(await this.#matches(header))) return 'malformed';
    const sdkKey = toSdkKey(match[1] as string);
    const token = match[2] ?? null;
    const served = this.#served.get(sdkKey);
    if (served?.configured) return this.#resolveConfigured(header, served, token);
    const remembered = this.#rememberedRefusal(header);
    if (remembered !== null) return remembered;
    let pending = this.#pending.get(header);
    if (pending === undefined) {
      const look = this.#looks.run(client, () => this.#resolveOnDemand(header, sdkKey, token));
      if (look === null) return 'too-many';
      pending = look.finally(() => this.#pending.delete(header));
      this.#pending.set(header, pending);
    }
    return pending;
  }

  async #matches(header: string): Promise<boolean> {
    const { pattern = null } = this.#options;
    return pattern === null || pattern(header);
  }

  async #resolveConfigured(
    header: string,
    key: ServedKey,
    token: string | null,
  ): Promise<ServedKey | KeyRefusal> {
    if (!tokensMatch(key.accessToken, token)) return 'denied';
    await key.ready;
    const refusal = this.#options.refusal(key.sdkKey);
    if (refusal === null) this.#remember(header, key);
    return refusal ?? key;
  }

  async #resolveOnDemand(
    header: string,
    sdkKey: SdkKey,
    token: string | null,
  ): Promise<ServedKey | KeyRefusal> {
    const { onDemandMax, vouch } = this.#options;
    if (onDemandMax === 0) return 'too-many';
    const vouched = await vouch(sdkKey, token);
    if (typeof vouched === 'string') return this.#refuse(header, vouched);
    let key = this.#served.get(sdkKey);
    if (key === undefined) {
      this.#makeRoom();
      key = this.#add(sdkKey, token, false, vouched);
    } else vouched.discard();
    await key.ready;
    const refusal = this.#options.refusal(sdkKey);
    if (refusal === null) {
      if (this.#served.get(sdkKey) === key) this.#remember(header, key);
      return key;
    }
    if (this.#served.get(sdkKey) === key) this.#drop(key);
    return this.#refuse(header, refusal);
  }

  #add(
    sdkKey: SdkKey,
    accessToken: string | null,
    configured: boolean,
    vouched: CdnAnswer | null,
  ): ServedKey {
    const lastUsedMs = this.#options.nowMs();
    let found = () => {};
    const ready = new Promise<void>((resolve) => {
      found = resolve;
    });
    // In the table before it is followed: its sources ask for its access token.
    const key: ServedKey = { sdkKey, accessToken, configured, ready, lastUsedMs };
    this.#served.set(sdkKey, key);
    void this.#options.follow(sdkKey, vouched).finally(found);
    return key;
  }

  /** Lets go of the on-demand key that was unused for longest, if there are as many as there may be. */
  #makeRoom(): void {
    const onDemand = [...this.#served.values()].filter(({ configured }) => !configured);
    if (onDemand.length < this.#options.onDemandMax) return;
    this.#drop(onDemand.reduce((a, b) => (b.lastUsedMs < a.lastUsedMs ? b : a)));
  }

  #refuse(header: string, refusal: KeyRefusal): KeyRefusal {
    if (this.#refused.size >= REFUSALS_MAX) this.#refused.clear();
    this.#refused.set(header, { untilMs: this.#options.nowMs() + REFUSAL_REMEMBERED_MS, refusal });
    return refusal;
  }

  #rememberedRefusal(header: string): KeyRefusal | null {
    const remembered = this.#refused.get(header);
    if (remembered === undefined) return null;
    if (remembered.untilMs > this.#options.nowMs()) return remembered.refusal;
    this.#refused.delete(header);
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

/** A key configured without a token may be asked for with any: its environment is not a secure one. */
function tokensMatch(wanted: string | null, given: string | null): boolean {
  if (wanted === null) return true;
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return given !== null && timingSafeEqual(digest(wanted), digest(given));
}
