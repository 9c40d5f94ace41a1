// What an agent keeps of users between requests, beside the datafiles: forced variations and user profiles, and at a reset
// also predictions and segments. Outlives every revision. Knows neither HTTP nor where datafiles come from.

import type { SdkKey } from '../../core/ids.ts';
import type { AgentConfig } from '../config/config.ts';
import type { Held } from '../datafiles/store.ts';
import type { Outside } from '../services/services.ts';
import type { FlagClient } from './flag-client.ts';
import { type Override, Overrides } from './overrides.ts';
import { createProfileServices, type LocalProfiles } from './profiles/index.ts';
import type { SavedProfile } from './profiles/profiles.ts';
import { RequestProfiles } from './profiles/request-profiles.ts';

/** To other processes that serve the same users. */
export interface UserSharing {
  readonly onOverride: (override: Override) => void;
  /** A profile that is kept in this process. */
  readonly onProfile: (saved: SavedProfile) => void;
  /** What is kept here for a key, overrides apart, is forgotten. */
  readonly onReset: (sdkKey: SdkKey) => void;
  /** Resolves when the others know all of the above, or soon in any case. Never rejects. */
  settled(): Promise<void>;
}

export interface UserState {
  readonly overrides: Overrides;
  readonly profiles: LocalProfiles;
  /** See UserSharing; null where there are no others. */
  readonly settled: (() => Promise<void>) | null;
  /** Null where no service is configured: then the SDK is given none either. */
  readonly desk: RequestProfiles | null;
  readonly onProfileFailed: (what: 'lookup' | 'save', error: unknown) => void;
  /** Gives a client that begins to serve what belongs to its key. */
  serves(held: Held<FlagClient>): void;
  /** Forgets all that is kept in this process for a key, and tells the other processes. */
  forget(held: Held<FlagClient>): void;
  /** Another process forgot a key. @param client of the key, null where none serves */
  forgotten(sdkKey: SdkKey, client: FlagClient | null): void;
  stop(): Promise<void>;
}

export interface UserStateOptions {
  readonly config: Pick<AgentConfig, 'userProfiles' | 'profileCharactersMax'>;
  readonly outside: Pick<Outside, 'makeProfiles' | 'onFailure' | 'cmab'>;
  readonly sharing?: UserSharing;
}

export function createUserState({ config, outside, sharing }: UserStateOptions): UserState {
  const overrides = new Overrides(sharing?.onOverride);
  const profiles = createProfileServices(
    config.userProfiles,
    outside.makeProfiles,
    sharing?.onProfile,
    config.profileCharactersMax,
  );
  const forgotten = (sdkKey: SdkKey, client: FlagClient | null): void => {
    profiles.reset(sdkKey);
    outside.cmab.forget(sdkKey);
    client?.odp?.forget();
  };
  return {
    overrides,
    profiles,
    settled: sharing === undefined ? null : () => sharing.settled(),
    desk: profiles.configured ? new RequestProfiles() : null,
    onProfileFailed: (what, error) => outside.onFailure({ service: 'profiles', what }, error),
    serves: ({ sdkKey, built }) => overrides.apply(sdkKey, built),
    forget: ({ sdkKey, built }) => {
      overrides.clear(sdkKey, built);
      forgotten(sdkKey, built);
      sharing?.onReset(sdkKey);
    },
    forgotten,
    stop: () => profiles.stop(),
  };
}
