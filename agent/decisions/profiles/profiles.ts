// What a user profile service is: which variation a user was given before, so that it stays the same. Memory, Redis and
// REST are behind this one contract. Knows neither HTTP nor the SDK, only the shape that the SDK gives a profile.

import type { SdkKey } from '../../../core/ids.ts';

/** By experiment id. */
export type BucketMap = Readonly<Record<string, { readonly variation_id: string }>>;

export interface UserProfile {
  readonly user_id: string;
  readonly experiment_bucket_map: BucketMap;
}

export interface ProfileService {
  /**
   * Null where nothing is known of the user. A promise where a network is asked; it rejects when that fails, and
   * the request goes on without a profile.
   */
  lookup(userId: string): UserProfile | null | Promise<UserProfile | null>;
  /** Replaces the user's profile as a whole. Rejects, or throws, when it could not. */
  save(profile: UserProfile): void | Promise<void>;
  /** Forgets what it keeps in this process; what is kept elsewhere stays. */
  reset(): void;
  /** Ends what it holds open. */
  stop(): Promise<void>;
}

/** What was saved where, for processes that keep the same profiles. */
export interface SavedProfile {
  readonly sdkKey: SdkKey;
  /** As it is named in the settings. */
  readonly service: string;
  readonly profile: UserProfile;
}

/** All services of an agent. */
export interface ProfileServices {
  /** False when none is configured: then requests need not be looked at. */
  readonly configured: boolean;
  /**
   * The service of that name for an SDK key; an empty name means the default one. Null where there is none.
   * Memory is kept apart by SDK key, as in the original.
   */
  of(sdkKey: SdkKey, name: string): ProfileService | null;
  /** Forgets what is kept in this process for a key. */
  reset(sdkKey: SdkKey): void;
  stop(): Promise<void>;
}
