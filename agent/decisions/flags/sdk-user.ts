// A user as the SDK may have one. Pure.

import type { SdkAttributes, SdkClient, SdkUser } from '../sdk-types.ts';
import type { DecisionRequest } from './request.ts';

type Values = Readonly<Record<string, unknown>>;

/**
 * What the SDK is not given: it copies attributes and tags into plain objects, where the first takes the place of the
 * prototype, and the second of the method by which it looks attributes up. Other names of Object.prototype are safe. By the
 * third it would decide as by a user's profile; to Optimizely's Agent it is an attribute as any other.
 */
const KEPT_BACK: readonly string[] = ['__proto__', 'hasOwnProperty', '$opt_experiment_bucket_map'];

/** Attributes or tags as the SDK may have them; the very same where nothing must be left out. */
export function forSdk(values: Values): Values {
  if (!KEPT_BACK.some((name) => Object.hasOwn(values, name))) return values;
  return Object.fromEntries(Object.entries(values).filter(([name]) => !KEPT_BACK.includes(name)));
}

/** Names that every object has are never flags, but the SDK would find them in its maps. */
export const isPrototypeKey = (key: string): boolean => key in Object.prototype;

/** @param segments that the user is in; null: nothing is known of them */
export function sdkUser(
  sdk: SdkClient,
  { userId, userAttributes, forcedDecisions }: DecisionRequest,
  segments: readonly string[] | null,
): SdkUser {
  const user = sdk.createUserContext(userId, forSdk(userAttributes) as SdkAttributes);
  for (const { flagKey, ruleKey, variationKey } of forcedDecisions) {
    // The SDK keeps these in plain objects: such a name would write to the prototype of all of them.
    if (isPrototypeKey(flagKey) || isPrototypeKey(ruleKey)) continue;
    user.setForcedDecision(ruleKey === '' ? { flagKey } : { flagKey, ruleKey }, { variationKey });
  }
  if (segments !== null) user.qualifiedSegments = [...segments];
  return user;
}
