// Profiles as other parties store them, read with care: what is not a bucket is passed over, never decided by. Pure.

import type { BucketMap, UserProfile } from './profiles.ts';

/** Null where it is no map at all. */
export function readBuckets(value: unknown): BucketMap | null {
  if (!isObject(value)) return null;
  const buckets: Record<string, { variation_id: string }> = Object.create(null);
  for (const [experimentId, bucket] of Object.entries(value))
    if (isObject(bucket) && typeof bucket.variation_id === 'string')
      buckets[experimentId] = { variation_id: bucket.variation_id };
  return buckets;
}

/** Null where it is not a profile of that user. */
export function readProfile(value: unknown, userIdKey: string, userId: string): UserProfile | null {
  if (!isObject(value) || value[userIdKey] !== userId) return null;
  const buckets = readBuckets(value.experiment_bucket_map);
  return buckets === null ? null : { user_id: userId, experiment_bucket_map: buckets };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
