// Makes the configured user profile services, each when it is first asked for. Those that keep their profiles in this
// process are one for each SDK key; those that keep them elsewhere are one for all.

import type { SdkKey } from '../../../core/ids.ts';
import type { ProfileServiceSettings, UserProfileSettings } from '../../config/types.ts';
import { MemoryProfiles } from './memory.ts';
import { ProfileMemoryLimit } from './memory-limit.ts';
import type { ProfileService, ProfileServices, SavedProfile, UserProfile } from './profiles.ts';

/** Makes one service from its settings; handed in so that those with a network are loaded only where they are wanted. */
export type MakeProfileService = (name: string, settings: ProfileServiceSettings) => ProfileService;

/** The services, with a view on what is kept in this process. */
export interface LocalProfiles extends ProfileServices {
  /** Keeps what another process was asked to save. */
  accept(saved: SavedProfile): void;
  /** Everything that is kept here. */
  all(): Iterable<SavedProfile>;
}

/**
 * @param onSaved told of every profile that is saved in this process' memory
 * @param charactersMax of all that are kept there; left out: no limit
 */
export function createProfileServices(
  settings: UserProfileSettings,
  makeRemote: MakeProfileService,
  onSaved?: (saved: SavedProfile) => void,
  charactersMax?: number,
): LocalProfiles {
  const local = new Map<SdkKey, Map<string, MemoryProfiles>>();
  const remote = new Map<string, ProfileService>();
  const room = new ProfileMemoryLimit(charactersMax);

  const localOf = (sdkKey: SdkKey, name: string): MemoryProfiles | null => {
    const wanted = settings.services.get(name);
    if (wanted?.kind !== 'in-memory') return null;
    const services = getOrMake(local, sdkKey, () => new Map<string, MemoryProfiles>());
    const announce = onSaved && ((profile: UserProfile) => onSaved({ sdkKey, service: name, profile }));
    return getOrMake(services, name, () => new MemoryProfiles(wanted, announce, room));
  };

  return {
    configured: settings.services.size > 0,
    of: (sdkKey, chosen) => {
      const name = chosen === '' ? settings.default : chosen;
      const wanted = name === null ? undefined : settings.services.get(name);
      if (name === null || wanted === undefined) return null;
      return localOf(sdkKey, name) ?? getOrMake(remote, name, () => makeRemote(name, wanted));
    },
    accept: ({ sdkKey, service, profile }) => localOf(sdkKey, service)?.accept(profile),
    *all() {
      for (const [sdkKey, services] of local)
        for (const [service, kept] of services)
          for (const profile of kept.all()) yield { sdkKey, service, profile };
    },
    reset: (sdkKey) => {
      for (const service of local.get(sdkKey)?.values() ?? []) service.reset();
    },
    stop: async () => {
      await Promise.all([...remote.values()].map((service) => service.stop()));
    },
  };
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
