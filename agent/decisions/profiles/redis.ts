// User profiles in Redis, stored as the original stores them so that both can share one: the user's id is the key, the
// buckets as JSON are the value.

import { parseJsonWithin } from '../../../core/datafile/json-depth.ts';
import type { Redis } from '../../services/redis.ts';
import { serviceFailed } from '../../services/time-limit.ts';
import type { ProfileService, UserProfile } from './profiles.ts';
import { readBuckets } from './stored.ts';

export class RedisProfiles implements ProfileService {
  readonly #redis: Redis;
  readonly #expirationMs: number;

  /** @param expirationMs 0: profiles are kept for ever */
  constructor(redis: Redis, expirationMs: number) {
    this.#redis = redis;
    this.#expirationMs = expirationMs;
  }

  async lookup(userId: string): Promise<UserProfile | null> {
    const text = await this.#redis.get(userId);
    if (text === null) return null;
    const buckets = readBuckets(parse(text));
    if (buckets === null) throw serviceFailed('Redis', 'what it keeps of a user is not a profile');
    return { user_id: userId, experiment_bucket_map: buckets };
  }

  save(profile: UserProfile): Promise<void> {
    return this.#redis.set(
      profile.user_id,
      JSON.stringify(profile.experiment_bucket_map),
      this.#expirationMs,
    );
  }

  reset(): void {}

  /** The connection is not only this service's. */
  async stop(): Promise<void> {}
}

function parse(text: string): unknown {
  try {
    return parseJsonWithin(text);
  } catch {
    return undefined; // The caller says what is wrong.
  }
}
