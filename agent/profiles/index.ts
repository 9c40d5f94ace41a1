// Makes the configured user profile services, each when it is first asked for. Those that keep their profiles in this
// process are one for each SDK key; those that keep them elsewhere are one for all.

import type { SdkKey } from '../../core/ids.ts';
import type { ProfileServiceSettings, UserProfileSettings } from '../config/types.ts';
import { MemoryProfiles } from './memory.ts';
import type { ProfileService, ProfileServices } from './profiles.ts';

/** Makes one service from its settings; handed in so that those with a network are loaded only where they are wanted. */
export type MakeProfileService = (name: string, settings: ProfileServiceSettings) => ProfileService;

export function createProfileServices(
  settings: UserProfileSettings,
  makeRemote: MakeProfileService,
): ProfileServices {
  const local = new Map<SdkKey, Map<string, ProfileService>>();
  const remote = new Map<string, ProfileService>();

  const localOf = (sdkKey: SdkKey, name: string, make: () => ProfileService): ProfileService => {
    const services = getOrMake(local, sdkKey, () => new Map<string, ProfileService>());
    return getOrMake(services, name, make);
  };

  return {
    configured: settings.services.size > 0,
    of: (sdkKey, chosen) => {
      const name = chosen === '' ? settings.default : chosen;
      const wanted = name === null ? undefined : settings.services.get(name);
      if (name === null || wanted === undefined) return null;
      if (wanted.kind === 'in-memory') return localOf(sdkKey, name, () => new MemoryProfiles(wanted));
      return getOrMake(remote, name, () => makeRemote(name, wanted));
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
