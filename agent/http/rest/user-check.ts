// Users that the SDK cannot decide for, or that are too large: refused with a text. What the SDK must not be given of the others is
// left out by forSdk(). Pure.

import type { UserLimits } from '../../config/front-door-types.ts';
import { countProblem, userIdProblem } from '../door/user-limits.ts';

type Values = Readonly<Record<string, unknown>>;

/** Null for a user that can be decided for, else why not. */
export function userProblem(userId: string, attributes: Values, limits: UserLimits): string | null {
  // The SDK takes it for a mistake of its caller.
  if (userId === 'undefined') return 'userId cannot be "undefined"';
  return userIdProblem(userId, limits) ?? countProblem('attributes', attributes, limits);
}
