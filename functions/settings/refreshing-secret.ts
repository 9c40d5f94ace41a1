// A secret read by name at run time and kept: read again in the background when it has become old, and at once when a caller
// was refused with it. So a rotation needs no deployment, and nothing waits for it. Knows no store and no format.

import type { Clock } from '../../core/clock.ts';
import { errorFields } from '../../core/errors.ts';
import { type Log, METRIC } from '../../core/log.ts';
import type { Metrics } from '../ports.ts';

/** Rotations list the old and the new value side by side for a while; this only bounds how long that must be. */
export const SECRET_TTL_MS = 5 * 60_000;
/** Forged webhooks must not turn into as many calls of the store. */
export const SECRET_REFRESH_INTERVAL_MIN_MS = 5_000;
/** A read that was frozen together with its Lambda may never end: after this long another one is begun. */
const READ_STUCK_MS = 5_000;

export interface CachedSecret<T> {
  /** The value at hand. Waits, and throws, only while there has never been one. */
  get(): Promise<T>;
  /** Reads it again, at most every few seconds, and waits for it; the value at hand when that fails. */
  refresh(): Promise<T>;
}

/** For a value that does not change while the process lives, such as that of an environment variable. */
export const unchanging = <T>(value: T): CachedSecret<T> => ({
  get: async () => value,
  refresh: async () => value,
});

export interface RefreshingSecretParts<T> {
  /** For log lines. */
  readonly name: string;
  /** @throws FanoutError SECRET_UNAVAILABLE */
  read(): Promise<string>;
  /** @throws FanoutError CONFIG_INVALID, without the text in its message */
  parse(text: string): T;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly log: Log;
  readonly metrics: Metrics;
}

interface Reading<T> {
  readonly startedAtMs: number;
  readonly value: Promise<T>;
}

export class RefreshingSecret<T> implements CachedSecret<T> {
  readonly #parts: RefreshingSecretParts<T>;
  #kept: { readonly text: string; readonly value: T } | null = null;
  #reading: Reading<T> | null = null;
  /** When the last read that ended began. */
  #triedAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: RefreshingSecretParts<T>) {
    this.#parts = parts;
  }

  async get(): Promise<T> {
    if (this.#kept === null) return this.#read();
    // The read reports its own failure, and the kept value stays good.
    if (this.#isOlderThan(SECRET_TTL_MS)) void this.#read().catch(() => {});
    return this.#kept.value;
  }

  async refresh(): Promise<T> {
    const kept = this.#kept;
    if (kept === null) return this.#read();
    if (!this.#isOlderThan(SECRET_REFRESH_INTERVAL_MIN_MS)) return kept.value;
    // The read reports its own failure.
    return this.#read().catch(() => kept.value);
  }

  /** A clock that went back says nothing about age: old. */
  #isOlderThan(ms: number): boolean {
    const ageMs = this.#parts.clock.nowMs() - this.#triedAtMs;
    return ageMs < 0 || ageMs >= ms;
  }

  #read(): Promise<T> {
    const startedAtMs = this.#parts.clock.nowMs();
    const isUnderWay = this.#reading !== null && startedAtMs - this.#reading.startedAtMs < READ_STUCK_MS;
    if (this.#reading !== null && isUnderWay) return this.#reading.value;
    const reading: Reading<T> = { startedAtMs, value: this.#readOnce(() => this.#reading === reading) };
    this.#reading = reading;
    const forget = () => {
      if (this.#reading !== reading) return;
      this.#reading = null;
      this.#triedAtMs = startedAtMs;
    };
    void reading.value.then(forget, forget);
    return reading.value;
  }

  async #readOnce(isLatest: () => boolean): Promise<T> {
    const { name, read, parse, log, metrics } = this.#parts;
    try {
      const text = await read();
      // The same text stays the same value, so that its users can tell whether anything changed.
      if (text === this.#kept?.text) return this.#kept.value;
      const value = parse(text);
      if (this.#kept !== null) log.info('secret.changed', { secret: name });
      if (isLatest()) this.#kept = { text, value };
      return value;
    } catch (error) {
      metrics.count(METRIC.secretFailed);
      log.error('secret.failed', { secret: name, kept: this.#kept !== null, ...errorFields(error) });
      throw error;
    }
  }
}
