// Which user profile services have a network behind them.

import type { OnFailure } from '../../services/failure-log.ts';
import type { RedisConnections } from '../../services/redis.ts';
import type { Ask } from '../../services/requester.ts';
import type { MakeProfileService } from './index.ts';
import { MemoryProfiles } from './memory.ts';
import { RedisProfiles } from './redis.ts';
import { RestProfiles } from './rest.ts';

export interface RemoteProfilesDeps {
  readonly redis: RedisConnections;
  readonly ask: Ask;
  readonly onFailure: OnFailure;
}

export const makeRemoteProfiles =
  (deps: RemoteProfilesDeps): MakeProfileService =>
  (_name, settings) => {
    switch (settings.kind) {
      case 'redis':
        return new RedisProfiles(deps.redis.of(settings.redis), settings.expirationMs);
      case 'rest':
        return new RestProfiles(settings, deps);
      case 'in-memory':
        return new MemoryProfiles(settings);
    }
  };
