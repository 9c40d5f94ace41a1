// Which of a user's kept variations a client goes by, as Optimizely's Agent does: one that its experiment still has, and none
// of an experiment whose variation is predicted anew each time. What it does not go by stays in the profile.

import type { BucketMap, UserProfile } from './profiles.ts';

/** As much of an experiment as says which variations may be kept. */
export interface KeptRule {
  readonly key: string;
  readonly variationIds: ReadonlySet<string>;
  readonly isPredicted: boolean;
}

/** By experiment id. */
export type KeptRules = ReadonlyMap<string, KeptRule>;

/** As the SDK wants it: within the call. */
export interface SdkProfiles {
  lookup(userId: string): UserProfile;
  save(profile: UserProfile): void;
}

export class KeptVariations implements SdkProfiles {
  readonly #profiles: SdkProfiles;
  readonly #rules: () => KeptRules;

  /** @param rules asked for when there is a profile */
  constructor(profiles: SdkProfiles, rules: () => KeptRules) {
    this.#profiles = profiles;
    this.#rules = rules;
  }

  lookup(userId: string): UserProfile {
    const profile = this.#profiles.lookup(userId);
    const passedOver = this.#passedOver(profile);
    if (passedOver.length === 0) return profile;
    const map: Record<string, BucketMap[string]> = { ...profile.experiment_bucket_map };
    for (const [experimentId] of passedOver) delete map[experimentId];
    return { user_id: profile.user_id, experiment_bucket_map: map };
  }

  save(profile: UserProfile): void {
    const { user_id, experiment_bucket_map } = profile;
    const passedOver = this.#passedOver(this.#profiles.lookup(user_id));
    const kept = Object.fromEntries(passedOver);
    this.#profiles.save(
      passedOver.length === 0
        ? profile
        : { user_id, experiment_bucket_map: { ...kept, ...experiment_bucket_map } },
    );
  }

  /** Experiment key → id of a variation that was kept, and that the experiment does not have. */
  unknownTo(userId: string): ReadonlyMap<string, string> {
    const unknown = new Map<string, string>();
    for (const [id, { variation_id }] of this.#passedOver(this.#profiles.lookup(userId))) {
      const rule = this.#rules().get(id);
      if (rule !== undefined && !rule.isPredicted) unknown.set(rule.key, variation_id);
    }
    return unknown;
  }

  #passedOver({ experiment_bucket_map }: UserProfile): [experimentId: string, BucketMap[string]][] {
    return Object.entries(experiment_bucket_map).filter(([id, { variation_id }]) => {
      const rule = this.#rules().get(id);
      return rule !== undefined && (rule.isPredicted || !rule.variationIds.has(variation_id));
    });
  }
}
