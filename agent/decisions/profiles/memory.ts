// User profiles in this process: gone with it, and never more than its capacity, or than there is room for. Users are keys of a Map, so that no
// name of a user can reach an object's prototype.

import { ProfileMemoryLimit, type ProfileMemoryMember } from './memory-limit.ts';
import type { ProfileService, UserProfile } from './profiles.ts';

/** Where the operator sets no limit, memory does: a profile is some 200 bytes. */
export const PROFILES_MAX = 1_000_000;

/** What the objects of a profile, and of each of its entries, take in memory beside their texts, about. */
const OBJECT_CHARACTERS = 96;

export interface MemoryProfilesOptions {
  /** Profiles kept; 0: as many as PROFILES_MAX. */
  readonly capacity: number;
  /** Which one gives way when full: the first that came (fifo) or the last (lifo). */
  readonly storageStrategy: 'fifo' | 'lifo';
}

export class MemoryProfiles implements ProfileService, ProfileMemoryMember {
  readonly #capacity: number;
  readonly #strategy: 'fifo' | 'lifo';
  readonly #onSaved: (profile: UserProfile) => void;
  readonly #profiles = new Map<string, UserProfile>();
  /** The users in the order in which they came; only lifo needs it. */
  readonly #arrivals: string[] = [];
  readonly #room: ProfileMemoryLimit;
  characters = 0;

  /**
   * @param onSaved told of what is saved here, not of what others saved
   * @param room shared by all that keep profiles in this process
   */
  constructor(
    { capacity, storageStrategy }: MemoryProfilesOptions,
    onSaved: (profile: UserProfile) => void = () => {},
    room = new ProfileMemoryLimit(),
  ) {
    this.#room = room;
    room.join(this);
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
    const growth = sizeOf(profile) - this.#sizeAt(userId);
    const wasKept = this.#profiles.has(userId);
    this.#room.makeRoom(growth);
    // It was the one to give way: it comes as a new one.
    if (wasKept && !this.#profiles.has(userId)) {
      this.accept(profile);
      return;
    }
    if (!wasKept) {
      if (this.#profiles.size >= this.#capacity) this.giveWay();
      if (this.#strategy === 'lifo') this.#arrivals.push(userId);
    }
    this.#profiles.set(userId, profile);
    this.characters += growth;
  }

  /** Everything that is kept, for processes that join later. */
  all(): Iterable<UserProfile> {
    return this.#profiles.values();
  }

  reset(): void {
    this.#profiles.clear();
    this.#arrivals.length = 0;
    this.characters = 0;
  }

  async stop(): Promise<void> {
    this.reset();
  }

  giveWay(): void {
    // A Map keeps its keys in the order in which they came.
    const leaving = this.#strategy === 'lifo' ? this.#arrivals.pop() : this.#profiles.keys().next().value;
    if (leaving === undefined) return;
    this.characters -= this.#sizeAt(leaving);
    this.#profiles.delete(leaving);
  }

  #sizeAt(userId: string): number {
    const profile = this.#profiles.get(userId);
    return profile === undefined ? 0 : sizeOf(profile);
  }
}

/** Characters that a profile takes in memory, about. */
export function sizeOf({ user_id, experiment_bucket_map }: UserProfile): number {
  let size = OBJECT_CHARACTERS + user_id.length;
  for (const id in experiment_bucket_map)
    size += OBJECT_CHARACTERS + id.length + (experiment_bucket_map[id]?.variation_id.length ?? 0);
  return size;
}
