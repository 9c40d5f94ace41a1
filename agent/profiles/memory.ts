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
  readonly #onSaved: (profile: UserProfile) => void;
  readonly #profiles = new Map<string, UserProfile>();
  /** Who came last, in order; only lifo needs to know. */
  readonly #arrivals: string[] = [];

  /** @param onSaved told of what is saved here, not of what others saved */
  constructor(
    { capacity, storageStrategy }: MemoryProfilesOptions,
    onSaved: (profile: UserProfile) => void = () => {},
  ) {
    this.#onSaved = onSaved;
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
    this.accept(profile);
    this.#onSaved(profile);
  }

  /** Like save(), for a profile that another process was asked to save. */
  accept(profile: UserProfile): void {
    const userId = profile.user_id;
    if (!this.#profiles.has(userId)) {
      if (this.#profiles.size >= this.#capacity) this.#makeRoom();
      if (this.#strategy === 'lifo') this.#arrivals.push(userId);
    }
    this.#profiles.set(userId, profile);
  }

  /** Everything that is kept, for whoever joins later. */
  all(): Iterable<UserProfile> {
    return this.#profiles.values();
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
