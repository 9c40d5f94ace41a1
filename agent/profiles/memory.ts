// User profiles in this process: gone with it, and never more than its capacity. Users are keys of a Map, so that no
// name of a user can reach an object's prototype.

import type { ProfileService, UserProfile } from './profiles.ts';

/** Where the operator sets no limit, memory does: a profile is some 200 bytes. */
export const PROFILES_MAX = 1_000_000;

export interface MemoryProfilesOptions {
  /** Profiles kept; 0: as many as PROFILES_MAX. */
  readonly capacity: number;
  /** Which one gives way when full: the first that came (fifo) or the last (lifo). */
  readonly storageStrategy: 'fifo' | 'lifo';
}

export class MemoryProfiles implements ProfileService {
  readonly #capacity: number;
  readonly #strategy: 'fifo' | 'lifo';
  readonly #profiles = new Map<string, UserProfile>();
  /** Who came last, in order; only lifo needs to know. */
  readonly #arrivals: string[] = [];

  constructor({ capacity, storageStrategy }: MemoryProfilesOptions) {
    this.#capacity = capacity === 0 ? PROFILES_MAX : Math.min(capacity, PROFILES_MAX);
    this.#strategy = storageStrategy;
  }

  get size(): number {
    return this.#profiles.size;
  }

  lookup(userId: string): UserProfile | null {
    return this.#profiles.get(userId) ?? null;
  }

  save(profile: UserProfile): void {
    const userId = profile.user_id;
    if (!this.#profiles.has(userId)) {
      if (this.#profiles.size >= this.#capacity) this.#makeRoom();
      if (this.#strategy === 'lifo') this.#arrivals.push(userId);
    }
    this.#profiles.set(userId, profile);
  }

  reset(): void {
    this.#profiles.clear();
    this.#arrivals.length = 0;
  }

  async stop(): Promise<void> {
    this.reset();
  }

  #makeRoom(): void {
    // A Map keeps its keys in the order in which they came.
    const leaving = this.#strategy === 'lifo' ? this.#arrivals.pop() : this.#profiles.keys().next().value;
    if (leaving !== undefined) this.#profiles.delete(leaving);
  }
}
