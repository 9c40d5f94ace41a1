// How much one request about a user may bring. The SDK's work grows with attributes times flags, and what is said of a user comes
// back once for each flag. Pure.

import type { UserLimits } from '../../config/front-door-types.ts';
import type { Turns } from '../kernel/turns.ts';

type Values = Readonly<Record<string, unknown>>;

/** What routes that work for a user keep to. */
export interface Bounds {
  readonly limits: UserLimits;
  readonly turns: Turns;
}

/** Null for a body that may be read, else why not. */
export const bodyProblem = ({ byteLength }: Uint8Array, { bodyBytesMax }: UserLimits): string | null =>
  byteLength <= bodyBytesMax
    ? null
    : `the body of a request about one user is larger than ${bodyBytesMax} bytes; FANOUT_USER_BODY_SIZE_MAX raises this limit`;

/** Null for an id that may be decided for, else why not. */
export function userIdProblem(userId: string, { userIdBytesMax: max }: UserLimits): string | null {
  // A character takes at most three bytes for each unit of the text's length.
  if (userId.length * 3 <= max || Buffer.byteLength(userId) <= max) return null;
  return `the user id is larger than ${max} bytes; FANOUT_USER_ID_SIZE_MAX raises this limit`;
}

/** Null for a user that can be decided for, else why not. */
export function userProblem(userId: string, attributes: Values, limits: UserLimits): string | null {
  // The SDK takes it for a mistake of its caller.
  if (userId === 'undefined') return 'userId cannot be "undefined"';
  return userIdProblem(userId, limits) ?? countProblem('attributes', attributes, limits);
}

/** @param what they are, in the plural: attributes, event tags */
export function countProblem(
  what: string,
  values: Values,
  { attributesMax: max }: UserLimits,
): string | null {
  let count = 0;
  for (const _ in values) if (++count > max) return tooMany(what, max);
  return null;
}

export const listProblem = (
  what: string,
  { length }: readonly unknown[],
  { attributesMax: max }: UserLimits,
): string | null => (length > max ? tooMany(what, max) : null);

/** @param keys of flags or experiments that the query names */
export const keysProblem = ({ length }: readonly string[], { keysMax }: UserLimits): string | null =>
  length > keysMax
    ? `there are more than ${keysMax} keys in the query; FANOUT_DECIDE_KEYS_MAX raises this limit`
    : null;

const tooMany = (what: string, max: number): string =>
  `there are more than ${max} ${what}; FANOUT_ATTRIBUTES_MAX raises this limit`;
