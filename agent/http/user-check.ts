// What the SDK cannot take of a user or an event although it is well-formed JSON: refused with a text or left out, where the
// SDK would throw, or drop the event in silence. Pure.

import type { UserLimits } from '../config/front-door-types.ts';
import { countProblem, userIdProblem } from './user-limits.ts';

type Values = Readonly<Record<string, unknown>>;

const STICKY_ATTRIBUTE = '$opt_experiment_bucket_map';

/**
 * What the SDK cannot be given the name of: it copies attributes and tags into plain objects, where one takes the place of
 * the prototype, and the other of the method by which it looks attributes up. Other names of Object.prototype are safe.
 */
const UNTELLABLE: ReadonlySet<string> = new Set(['__proto__', 'hasOwnProperty']);

/** Null for a user that can be decided for, else why not. */
export function userProblem(userId: string, attributes: Values, limits: UserLimits): string | null {
  // The SDK takes it for a mistake of its caller.
  if (userId === 'undefined') return 'userId cannot be "undefined"';
  const problem = userIdProblem(userId, limits) ?? countProblem('attributes', attributes, limits);
  if (problem !== null) return problem;
  return Object.hasOwn(attributes, STICKY_ATTRIBUTE) && !isBucketMap(attributes[STICKY_ATTRIBUTE])
    ? `attribute "${STICKY_ATTRIBUTE}" must hold, by experiment id, {"variation_id": "…"}`
    : null;
}

/** Attributes or tags as the SDK may have them; the very same where nothing must be left out. */
export function forSdk(values: Values): Values {
  if (!Object.hasOwn(values, '__proto__') && !Object.hasOwn(values, 'hasOwnProperty')) return values;
  return Object.fromEntries(Object.entries(values).filter(([name]) => !UNTELLABLE.has(name)));
}

const isBucketMap = (value: unknown): boolean =>
  isObject(value) &&
  forSdk(value) === value &&
  Object.values(value).every((bucket) => isObject(bucket) && typeof bucket.variation_id === 'string');

const isObject = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
