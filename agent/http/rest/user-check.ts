// What the SDK cannot take of a user or an event although it is well-formed JSON: refused with a text or left out, where the
// SDK would throw, drop the event in silence, or decide otherwise than Optimizely's Agent. Pure.

import type { UserLimits } from '../../config/front-door-types.ts';
import { countProblem, userIdProblem } from '../door/user-limits.ts';

type Values = Readonly<Record<string, unknown>>;

/**
 * What the SDK is not given: it copies attributes and tags into plain objects, where the first takes the place of the
 * prototype, and the second of the method by which it looks attributes up. Other names of Object.prototype are safe. By the
 * third it would decide as by a user's profile; to Optimizely's Agent it is an attribute as any other.
 */
const KEPT_BACK: readonly string[] = ['__proto__', 'hasOwnProperty', '$opt_experiment_bucket_map'];

/** Null for a user that can be decided for, else why not. */
export function userProblem(userId: string, attributes: Values, limits: UserLimits): string | null {
  // The SDK takes it for a mistake of its caller.
  if (userId === 'undefined') return 'userId cannot be "undefined"';
  return userIdProblem(userId, limits) ?? countProblem('attributes', attributes, limits);
}

/** Attributes or tags as the SDK may have them; the very same where nothing must be left out. */
export function forSdk(values: Values): Values {
  if (!KEPT_BACK.some((name) => Object.hasOwn(values, name))) return values;
  return Object.fromEntries(Object.entries(values).filter(([name]) => !KEPT_BACK.includes(name)));
}
