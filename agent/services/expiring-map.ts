// A map with a limit of entries and of time: the least recently used entry is dropped first. Keys never reach an
// object's prototype.

import type { Clock } from '../../core/clock.ts';

/** Memory has a limit too, beside what the operator allows. */
export const ENTRIES_MAX = 1_000_000;

export class ExpiringMap<V> {
  readonly #clock: Clock;
  readonly #entriesMax: number;
  readonly #timeoutMs: number;
  readonly #entries = new Map<string, { readonly value: V; readonly untilMs: number }>();

  /**
   * @param size 0: keeps nothing, as in the original
   * @param timeoutMs 0: until it gives way
   */
  constructor(clock: Clock, size: number, timeoutMs: number) {
    this.#clock = clock;
    this.#entriesMax = Math.min(size, ENTRIES_MAX);
    this.#timeoutMs = timeoutMs;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    if (this.#clock.nowMs() >= entry.untilMs) return undefined;
    // A Map keeps its keys in the order in which they came: the one that was used comes last again.
    this.#entries.set(key, entry);
    return entry.value;
  }

  set(key: string, value: V): void {
    if (this.#entriesMax === 0) return;
    this.#entries.delete(key);
    const oldest = this.#entries.size >= this.#entriesMax ? this.#entries.keys().next().value : undefined;
    if (oldest !== undefined) this.#entries.delete(oldest);
    const untilMs = this.#timeoutMs === 0 ? Number.POSITIVE_INFINITY : this.#clock.nowMs() + this.#timeoutMs;
    this.#entries.set(key, { value, untilMs });
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  /** Entries whose key begins so. */
  deleteAll(prefix: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.#entries.delete(key);
  }
}
