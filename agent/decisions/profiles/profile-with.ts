// A user's profile as it is saved after the engine's decisions: once for all of a request. Pure.

import type { BucketMap, UserProfile } from './profiles.ts';

/** The profile with what is to be kept; all else that it names stays. @param toKeep experiment id → variation id */
export function profileWith(
  { user_id, experiment_bucket_map }: UserProfile,
  toKeep: ReadonlyMap<string, string>,
): UserProfile {
  const map: Record<string, BucketMap[string]> = { ...experiment_bucket_map };
  for (const [experimentId, variation_id] of toKeep) map[experimentId] = { variation_id };
  return { user_id, experiment_bucket_map: map };
}
