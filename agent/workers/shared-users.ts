// Overrides and in-memory profiles, which all workers share. The primary keeps a copy for workers that join later, and sends
// each change to all workers in one order, also to its sender. So two changes at once end the same everywhere.

import type { SdkKey } from '../../core/ids.ts';
import type { UserProfileSettings } from '../config/config.ts';
import { type Override, Overrides } from '../decisions/overrides.ts';
import { createProfileServices, type LocalProfiles } from '../decisions/profiles/index.ts';
import type { SavedProfile } from '../decisions/profiles/profiles.ts';
import type { LiveWorker } from './live-worker.ts';

export class SharedUsers {
  readonly #overrides = new Overrides();
  readonly #profiles: LocalProfiles;
  readonly #workers: () => readonly LiveWorker[];

  constructor(
    settings: UserProfileSettings,
    workers: () => readonly LiveWorker[],
    profileCharactersMax?: number,
  ) {
    this.#workers = workers;
    const makeRemote = (name: string) => {
      throw new Error(`the profile service ${name} is not one that is kept in memory`);
    };
    this.#profiles = createProfileServices(settings, makeRemote, undefined, profileCharactersMax);
  }

  overrides(): readonly Override[] {
    return [...this.#overrides.all()];
  }

  profiles(): Iterable<SavedProfile> {
    return this.#profiles.all();
  }

  override(override: Override): void {
    this.#overrides.accept(override, null);
    for (const { peer } of this.#workers()) peer.tell('override', override);
  }

  saved(saved: readonly SavedProfile[]): void {
    for (const one of saved) this.#profiles.accept(one);
    for (const { peer } of this.#workers()) peer.tell('profiles', saved);
  }

  resetUsers(sdkKey: SdkKey): void {
    this.#profiles.reset(sdkKey);
    for (const { peer } of this.#workers()) peer.tell('resetUsers', sdkKey);
  }
}
