// Which SDK keys this agent serves: the configured ones, and others on demand within a limit. Decides who may ask for
// a key; how its datafile is found is handed in.

import type { SdkKey } from '../../../core/ids.ts';
import { Semaphore } from '../../../core/semaphore.ts';
import { LookupBudget } from '../lookup-budget.ts';
import type { CdnAnswer } from '../sources/cdn.ts';
import { unusedBeyond } from './by-use.ts';
import { parseKeyHeader, tokensMatch } from './key-header.ts';
import type { KeysOptions } from './options.ts';

/** A key that was refused is not asked for again within this time. */
export const REFUSAL_REMEMBERED_MS = 30_000;
const REFUSALS_MAX = 1_000;
/**
 * Datafiles on demand fetched and built at a time: each takes several times its size before it counts. Two of 2.4 MB at a time took a
 * single process past 512 MiB, where one stays below 400.
 */
const LOADING_MAX = 1;
/** Header texts resolved before, so that a request costs one look-up. */
const RESOLVED_MAX = 10_000;
export interface ServedKey {
  readonly sdkKey: SdkKey;
  readonly accessToken: string | null;
  readonly configured: boolean;
  /** Resolves when it has a datafile or there is nothing more to wait for. */
  readonly ready: Promise<void>;
  lastUsedMs: number;
  /** The caller that asked for it waits for its first datafile. */
  isAwaited: boolean;
  /** By itself it is more than all may be. */
  isTooLarge: boolean;
}

/** A key as its callers see it. */
export type FoundKey = Pick<ServedKey, 'sdkKey' | 'configured'>;

/** The keys as callers see them that only ask for one. */
export interface KeyFinder {
  /** The key that a header text names, when it is served already and may be asked for with it. */
  resolved(header: string): FoundKey | undefined;
  /**
   * Like resolved(), but loads an unlisted key and waits for its first datafile. Never rejects.
   * @param client the caller's address; its look-ups of unlisted keys are limited
   */
  resolve(header: string, client?: string): Promise<FoundKey | KeyRefusal>;
}

export type KeyRefusal = 'missing' | 'malformed' | 'denied' | 'not-found' | 'too-many';

export class Keys implements KeyFinder {
  readonly #options: KeysOptions;
  readonly #served = new Map<SdkKey, ServedKey>();
  readonly #resolved = new Map<string, ServedKey>();
  readonly #pending = new Map<string, Promise<ServedKey | KeyRefusal>>();
  readonly #looks: LookupBudget;
  readonly #loading = new Semaphore(LOADING_MAX);
  readonly #refused = new Map<string, { readonly untilMs: number; readonly refusal: KeyRefusal }>();

  constructor(options: KeysOptions) {
    this.#options = options;
    this.#looks = new LookupBudget({ keysMax: options.onDemandMax, nowMs: options.nowMs });
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

  /** Another worker was asked for the key. */
  used(sdkKey: SdkKey): void {
    const key = this.#served.get(sdkKey);
    if (key !== undefined) key.lastUsedMs = this.#options.nowMs();
  }

  /** A key has another datafile: those on demand that were unused for longest give way where they are too large together. */
  accepted(sdkKey: SdkKey): void {
    if (this.isConfigured(sdkKey)) return;
    const { onDemandBytesMax = Number.POSITIVE_INFINITY, bytesOf = () => 0 } = this.#options;
    const accepted = this.#served.get(sdkKey);
    // Not the one to give way to those that were used while it was on its way.
    if (accepted?.isAwaited) accepted.lastUsedMs = this.#options.nowMs();
    const unused = unusedBeyond(this.#onDemand(), onDemandBytesMax, (key) => bytesOf(key.sdkKey));
    for (const key of unused) {
      if (key === accepted) key.isTooLarge = true;
      this.#drop(key);
    }
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
    const named = parseKeyHeader(header);
    if (named === null || !(await this.#matches(header))) return 'malformed';
    const { sdkKey, token } = named;
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
    const leave = await this.#loading.enter();
    let key = this.#served.get(sdkKey);
    if (key === undefined) {
      this.#makeRoom();
      key = this.#add(sdkKey, token, false, vouched);
    } else vouched.discard();
    await key.ready;
    leave();
    if (key.isTooLarge) return 'too-many';
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
    const key: ServedKey = {
      sdkKey,
      accessToken,
      configured,
      ready,
      lastUsedMs,
      isAwaited: true,
      isTooLarge: false,
    };
    this.#served.set(sdkKey, key);
    void this.#options.follow(sdkKey, vouched).finally(() => {
      key.isAwaited = false;
      found();
    });
    return key;
  }

  /** Lets go of the on-demand key that was unused for longest, if there are as many as there may be. */
  #makeRoom(): void {
    const onDemand = this.#onDemand();
    if (onDemand.length < this.#options.onDemandMax) return;
    this.#drop(onDemand.reduce((a, b) => (b.lastUsedMs < a.lastUsedMs ? b : a)));
  }

  #onDemand(): ServedKey[] {
    return [...this.#served.values()].filter(({ configured }) => !configured);
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
