// Where the SDK asks for profiles. A client has one service for all its life, but each request may choose another: what
// the desk answers depends on whose decision is being made, also when that takes more than one turn.

import { AsyncLocalStorage } from 'node:async_hooks';
import type { UserProfile } from './profiles.ts';

/** What serves one decision: within the call, never a promise. */
export interface ProfileSession {
  lookup(userId: string): UserProfile | null;
  save(profile: UserProfile): void;
}

export class RequestProfiles {
  readonly #sessions = new AsyncLocalStorage<ProfileSession>();

  /** As the SDK wants it: an empty profile, never none. */
  lookup(userId: string): UserProfile {
    return this.#sessions.getStore()?.lookup(userId) ?? { user_id: userId, experiment_bucket_map: {} };
  }

  save(profile: UserProfile): void {
    this.#sessions.getStore()?.save(profile);
  }

  /** Runs `decide`, and all that it leaves for later turns, with the session. */
  serve<T>(session: ProfileSession, decide: () => T): T {
    return this.#sessions.run(session, decide);
  }
}

/** A profile fetched before the decision; keeps what the decision wants to save. */
export class FetchedProfile implements ProfileSession {
  readonly #profile: UserProfile | null;
  saved: UserProfile | null = null;

  constructor(profile: UserProfile | null) {
    this.#profile = profile;
  }

  lookup(userId: string): UserProfile | null {
    const profile = this.saved ?? this.#profile;
    return profile?.user_id === userId ? profile : null;
  }

  save(profile: UserProfile): void {
    this.saved = profile;
  }
}
