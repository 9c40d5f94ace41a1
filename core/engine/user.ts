// A user as decisions are made for it: its attributes, and what else was handed in for it. Pure, but for what it collects.

import type { Attributes } from './audience/match.ts';
import type { HeldOut, Holdouts } from './holdouts.ts';

const BUCKETING_ID = '$opt_bucketing_id';

/** In place of a rule's key: for the flag as a whole. The SDK's own word for it. */
export const WHOLE_FLAG = '$opt_null_rule_key';

/** Flag key → rule key, or WHOLE_FLAG → variation key. */
export type ForcedDecisions = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** What a user may bring along beside its attributes; null: nothing of the kind. */
export interface HandedIn {
  /** The segments that the user is in. */
  readonly segments?: readonly string[] | null;
  readonly forced?: ForcedDecisions | null;
  /** Forced by a tester: experiment id → variation id. */
  readonly overrides?: ReadonlyMap<string, string> | null;
  /** Null where users have none; a user of whom nothing is known has an empty one. */
  readonly profile?: Profile | null;
}

/** The variations that a user was given before, by experiment id. */
export type Profile = Readonly<Record<string, { readonly variation_id: string }>>;

export class User {
  readonly userId: string;
  /** Without `$opt_experiment_bucket_map`, by which the SDK would decide. */
  readonly attributes: Attributes;
  /** What is hashed in place of the user id. */
  readonly bucketingId: string;
  readonly segments: readonly string[] | null;
  readonly forced: ForcedDecisions | null;
  readonly overrides: ReadonlyMap<string, string> | null;
  readonly profile: Profile | null;
  /** What is to be saved of it: experiment id → variation id. Null where nothing is. */
  toKeep: Map<string, string> | null = null;
  /** Global holdouts are the same for every flag, so they are asked once. */
  #heldOut: HeldOut | null = null;
  #isHeldOutKnown = false;

  constructor(userId: string, attributes: Attributes, handedIn: HandedIn = {}) {
    const bucketingId = attributes[BUCKETING_ID];
    this.userId = userId;
    this.attributes = attributes;
    this.bucketingId = typeof bucketingId === 'string' ? bucketingId : userId;
    this.segments = handedIn.segments ?? null;
    this.forced = handedIn.forced ?? null;
    this.overrides = handedIn.overrides ?? null;
    this.profile = handedIn.profile ?? null;
  }

  /** The variation that was kept; undefined where none was. @param experimentId none that every object has: see nameOf() */
  kept(experimentId: string): string | undefined {
    const kept = this.toKeep?.get(experimentId);
    return kept ?? this.profile?.[experimentId]?.variation_id;
  }

  keep(experimentId: string, variationId: string): void {
    this.toKeep ??= new Map();
    this.toKeep.set(experimentId, variationId);
  }

  /** See Holdouts.globalFor(). @param holdouts the same at every call */
  heldOutBy(holdouts: Holdouts): HeldOut | null {
    if (!this.#isHeldOutKnown) {
      this.#heldOut = holdouts.globalFor(this);
      this.#isHeldOutKnown = true;
    }
    return this.#heldOut;
  }
}
