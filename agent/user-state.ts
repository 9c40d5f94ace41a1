// What an agent keeps of users between requests, beside the datafiles: forced variations and user profiles. Outlives
// every revision. Knows neither HTTP nor where datafiles come from.

import type { FlagClient } from './clients.ts';
import type { AgentConfig } from './config.ts';
import type { Outside } from './outside.ts';
import { Overrides } from './overrides.ts';
import { ProfileDesk } from './profiles/desk.ts';
import { createProfileServices } from './profiles/index.ts';
import type { ProfileServices } from './profiles/profiles.ts';
import type { Held } from './store.ts';

export interface UserState {
  readonly overrides: Overrides;
  readonly profiles: ProfileServices;
  /** Null where no service is configured: then the SDK is given none either. */
  readonly desk: ProfileDesk | null;
  readonly onProfileFailed: (what: 'lookup' | 'save', error: unknown) => void;
  /** Gives a client that begins to serve what belongs to its key. */
  serves(held: Held<FlagClient>): void;
  /** Forgets all that is kept in this process for a key. */
  forget(held: Held<FlagClient>): void;
  stop(): Promise<void>;
}

export interface UserStateOptions {
  readonly config: Pick<AgentConfig, 'userProfiles'>;
  readonly outside: Pick<Outside, 'makeProfiles' | 'onTrouble'>;
}

export function createUserState({ config, outside }: UserStateOptions): UserState {
  const overrides = new Overrides();
  const profiles = createProfileServices(config.userProfiles, outside.makeProfiles);
  return {
    overrides,
    profiles,
    desk: profiles.configured ? new ProfileDesk() : null,
    onProfileFailed: (what, error) => outside.onTrouble({ service: 'profiles', what }, error),
    serves: ({ sdkKey, built }) => overrides.apply(sdkKey, built.sdk),
    forget: ({ sdkKey, built }) => {
      overrides.clear(sdkKey, built.sdk);
      profiles.reset(sdkKey);
    },
    stop: () => profiles.stop(),
  };
}
