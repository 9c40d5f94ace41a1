// Where segments of users are kept for a while: in this process or in Redis, several of them by name. A cache that fails
// is a cache that has nothing: it is noted, and the platform is asked.

import type { Clock } from '../../../core/clock.ts';
import { parseJsonWithin } from '../../../core/datafile/json-depth.ts';
import type { CacheChoice, CacheSettings } from '../../config/config.ts';
import { ExpiringMap } from '../../services/expiring-map.ts';
import type { OnFailure } from '../../services/failure-log.ts';
import type { Redis, RedisConnections } from '../../services/redis.ts';

/** None of these ever rejects. */
export interface SegmentCache {
  /** Null where there is nothing. */
  get(key: string): Promise<readonly string[] | null>;
  /** Not waited for. */
  set(key: string, segments: readonly string[]): void;
  /** Forgets all whose key begins so. */
  reset(prefix: string): Promise<void>;
  /** As `reset`, of what this process keeps; a server that several agents share keeps its own. */
  forget(prefix: string): void;
}

export interface SegmentCaches {
  /** The cache of that name; the default one for a name that is not configured. */
  of(name: string): SegmentCache;
  all(): readonly SegmentCache[];
}

interface CacheDeps {
  readonly clock: Clock;
  readonly redis: RedisConnections;
  readonly onFailure: OnFailure;
}

/** As the SDK's own, where nothing is configured. */
const SDK_CACHE: CacheSettings = { kind: 'in-memory', size: 10_000, timeoutMs: 600_000 };

export function createSegmentCaches(choice: CacheChoice, deps: CacheDeps): SegmentCaches {
  const caches = new Map([...choice.services].map(([name, settings]) => [name, createCache(settings, deps)]));
  const byDefault = caches.get(choice.default ?? '') ?? createCache(SDK_CACHE, deps);
  const all = [...new Set([byDefault, ...caches.values()])];
  return { of: (name) => caches.get(name) ?? byDefault, all: () => all };
}

const createCache = (settings: CacheSettings, { clock, redis, onFailure }: CacheDeps): SegmentCache =>
  settings.kind === 'redis'
    ? redisCache(redis.of(settings.redis), settings.timeoutMs, onFailure)
    : memoryCache(new ExpiringMap(clock, settings.size, settings.timeoutMs));

const memoryCache = (kept: ExpiringMap<readonly string[]>): SegmentCache => ({
  get: async (key) => kept.get(key) ?? null,
  set: (key, segments) => kept.set(key, segments),
  reset: async (prefix) => kept.deleteAll(prefix),
  forget: (prefix) => kept.deleteAll(prefix),
});

function redisCache(redis: Redis, timeoutMs: number, onFailure: OnFailure): SegmentCache {
  const failed = (error: unknown) => onFailure({ service: 'odp', what: 'cache' }, error);
  return {
    get: async (key) => {
      try {
        return readList(await redis.get(key));
      } catch (error) {
        failed(error);
        return null;
      }
    },
    set: (key, segments) => {
      redis.set(key, JSON.stringify(segments), timeoutMs).catch(failed);
    },
    reset: (prefix) => redis.removeAll(prefix).catch(failed),
    forget: () => {},
  };
}

/** Null also for what is not a list of texts: others may write there. */
function readList(text: string | null): readonly string[] | null {
  if (text === null) return null;
  const list = parseJsonWithin(text);
  return Array.isArray(list) && list.every((one) => typeof one === 'string') ? list : null;
}
