// Predictions that are kept over every revision, in memory or in Redis. Knows no datafile.

import type { Clock } from '../../../core/clock.ts';
import type { CacheSettings } from '../../config/config.ts';
import { ExpiringMap } from '../../services/expiring-map.ts';
import type { Redis, RedisConnections } from '../../services/redis.ts';
import type { SdkCmab } from '../sdk-types.ts';

export type Cache = NonNullable<NonNullable<SdkCmab>['cache']>;

export type CacheStore = Pick<Redis, 'get' | 'remove' | 'removeAll'> & {
  readonly set: (key: string, value: string) => Promise<void>;
  /** Drops the keys that begin so, of those that this process keeps; a server that several agents share keeps its own. */
  readonly forget: (prefix: string) => void;
};

export interface KeptPrediction {
  readonly ruleId: string;
  readonly variationId: string;
  readonly cmabUuid: string;
}

export interface CacheOptions {
  /** Of all its keys. */
  readonly prefix: string;
  readonly store: CacheStore;
  /** Told of what is found; false counts as not found. */
  readonly onFound: (prediction: KeptPrediction) => boolean;
  readonly onFailed: (error: unknown) => void;
}

/** Closures, not methods: the SDK calls them on an object of its own. A cache that fails has nothing, never rejects. */
export function predictionCache({ prefix, store, onFound, onFailed }: CacheOptions): Cache {
  const failed = (error: unknown): undefined => onFailed(error) as undefined;
  return {
    operation: 'async',
    lookup: async (key: string) => {
      const text = await store.get(prefix + key).catch(failed);
      const value = text == null ? null : readValue(text);
      if (text == null || value === null || !onFound({ ruleId: ruleIn(key), ...value })) return undefined;
      return text;
    },
    save: (key: string, value: string) => store.set(prefix + key, value).catch(failed),
    remove: (key: string) => store.remove(prefix + key).catch(failed),
    reset: () => store.removeAll(prefix).catch(failed),
  };
}

export function createCacheStore(
  settings: CacheSettings,
  { clock, redis }: { readonly clock: Clock; readonly redis: RedisConnections },
): CacheStore {
  if (settings.kind === 'redis') {
    const server = redis.of(settings.redis);
    return {
      get: (key) => server.get(key),
      set: (key, value) => server.set(key, value, settings.timeoutMs),
      remove: (key) => server.remove(key),
      removeAll: (prefix) => server.removeAll(prefix),
      forget: () => {},
    };
  }
  const kept = new ExpiringMap<string>(clock, settings.size, settings.timeoutMs);
  return {
    get: async (key) => kept.get(key) ?? null,
    set: async (key, value) => kept.set(key, value),
    remove: async (key) => kept.delete(key),
    removeAll: async (prefix) => kept.deleteAll(prefix),
    forget: (prefix) => kept.deleteAll(prefix),
  };
}

/** A key of the SDK's is the length of the user's id, the id and the rule's, with a hyphen between; ids may have some too. */
function ruleIn(key: string): string {
  const length = Number.parseInt(key, 10);
  return key.slice(String(length).length + length + 2);
}

/** Null for what the SDK did not write: it would fail on it. */
function readValue(text: string): Omit<KeptPrediction, 'ruleId'> | null {
  try {
    const { attributesHash, variationId, cmabUuid } = JSON.parse(text);
    return [attributesHash, variationId, cmabUuid].every((it) => typeof it === 'string')
      ? { variationId, cmabUuid }
      : null;
  } catch {
    return null; // An entry of another program counts as none.
  }
}
