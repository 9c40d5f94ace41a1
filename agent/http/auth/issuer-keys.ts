// The public keys of the issuer of tokens (JWKS). Fetched when first needed, again at the configured interval, and when a
// token names a key that is not among them. Keys that were good stay when the issuer cannot be reached.

import type { JSONWebKeySet, JWTVerifyGetKey } from 'jose';
import type { Clock, Timer } from '../../../core/clock.ts';
import { parseJsonWithin } from '../../../core/datafile/json-depth.ts';
import { messageOf } from '../../../core/errors.ts';
import { readWithin } from '../../../core/http/read-within.ts';
import { basicAuthorization, takeUserInfo } from '../../../core/http/user-info.ts';
import type { Log } from '../../../core/log.ts';

const REQUEST_TIMEOUT_MS = 10_000;
const ANSWER_BYTES_MAX = 1024 * 1024;
/** Any client can name a key that is not there; the issuer is not asked for each. */
const REFETCH_INTERVAL_MIN_MS = 5_000;

const tooLarge = () => new Error(`more than ${ANSWER_BYTES_MAX} bytes`);

export interface IssuerKeysOptions {
  readonly url: string;
  readonly updateIntervalMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

export class IssuerKeys {
  readonly #options: IssuerKeysOptions;
  #keys: JWTVerifyGetKey | null = null;
  #fetching: Promise<void> | null = null;
  #fetchedAtMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | null = null;
  #stopped = false;
  #changed = () => {};

  constructor(options: IssuerKeysOptions) {
    this.#options = options;
  }

  /** Told when keys may have gone: what was checked with them must be checked again. */
  onChanged(changed: () => void): void {
    this.#changed = changed;
  }

  start(): void {
    void this.#fetch();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** `use` with the keys, or `none` when there are none. Tried twice when a key was missing that may be there by now. */
  async with<T, N>(none: N, use: (keys: JWTVerifyGetKey) => Promise<T>): Promise<T | N> {
    if (this.#keys === null) await this.#refetch();
    if (this.#keys === null) return none;
    const before = this.#keys;
    try {
      return await use(before);
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ERR_JWKS_NO_MATCHING_KEY') throw error;
      await this.#refetch();
      if (this.#keys === before) throw error;
      return use(this.#keys);
    }
  }

  async #refetch(): Promise<void> {
    const { clock } = this.#options;
    if (this.#fetching === null && clock.nowMs() - this.#fetchedAtMs < REFETCH_INTERVAL_MIN_MS) return;
    await this.#fetch();
  }

  #fetch(): Promise<void> {
    this.#fetching ??= this.#load().finally(() => {
      this.#fetching = null;
      this.#timer?.cancel();
      if (this.#stopped) return;
      this.#timer = this.#options.clock.after(this.#options.updateIntervalMs, () => void this.#fetch());
    });
    return this.#fetching;
  }

  /** Never rejects: what failed is logged, and the keys stay as they are. */
  async #load(): Promise<void> {
    const { url, clock, log } = this.#options;
    this.#fetchedAtMs = clock.nowMs();
    try {
      // The host that a redirect names could hand out keys of its own.
      const { url: bare, credentials } = takeUserInfo(url);
      const response = await fetch(bare, {
        headers: credentials === null ? {} : { authorization: basicAuthorization(credentials) },
        redirect: 'error',
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
      const body = await readWithin(response.body, ANSWER_BYTES_MAX, tooLarge);
      if (!response.ok) throw new Error(`status ${response.status}`);
      const { createLocalJWKSet } = await import('jose');
      this.#keys = createLocalJWKSet(parseJsonWithin(body) as JSONWebKeySet);
      this.#changed();
    } catch (error) {
      log.warn('keys.failed', {
        error: messageOf((error as Error).cause ?? error),
        kept: this.#keys !== null,
      });
    }
  }
}
