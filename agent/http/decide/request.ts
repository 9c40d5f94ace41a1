// The body of POST /v1/decide: read once, checked by hand, in the original's own words. Pure.

import type { UserLimits } from '../../config/front-door-types.ts';
import {
  DECIDE_OPTIONS,
  type DecideOption,
  type DecisionRequest,
  type ForcedDecision,
} from '../../decisions/flags/request.ts';
import { listProblem, userProblem } from '../door/user-limits.ts';
import { holdsFinite } from '../openapi/schema.ts';
import { MALFORMED, parseJson } from '../openapi/schema-body.ts';

const NO_ATTRIBUTES = Object.freeze({});
const NONE: readonly string[] = Object.freeze([]);
const NO_USER = 'missing "userId" in request payload';
/** By their very names and in lower case. */
const namesOf = (...names: string[]): ReadonlyMap<string, string> =>
  new Map(names.flatMap((name) => [[name.toLowerCase(), name] as const, [name, name] as const]));
const FIELDS = namesOf(
  'userId',
  'userAttributes',
  'decideOptions',
  'forcedDecisions',
  'fetchSegments',
  'fetchSegmentsOptions',
);
const FORCED_FIELDS = namesOf('flagKey', 'ruleKey', 'variationKey');
const KNOWN_OPTIONS: ReadonlySet<string> = new Set(DECIDE_OPTIONS);

export interface DecideRequest extends DecisionRequest {
  /** Whether the user's segments are asked for first. */
  readonly fetchSegments: boolean;
  /** As they came; unknown ones have no effect, as in the original. */
  readonly fetchSegmentsOptions: readonly string[];
}

/** The request, or the text of the 400 that it deserves. */
export function parseDecideRequest(body: Buffer, limits: UserLimits): DecideRequest | string {
  if (body.byteLength === 0) return NO_USER;
  const fields = parseObject(body);
  if (fields === null) return MALFORMED;
  const { userId, userAttributes, decideOptions, forcedDecisions, fetchSegments, fetchSegmentsOptions } =
    fields;
  // A null counts as left out, as in the original.
  if (!isStringOrNone(userId) || !isObjectOrNone(userAttributes)) return MALFORMED;
  if (!holdsFinite(userAttributes)) return MALFORMED;
  if (!isListOrNone(forcedDecisions)) return MALFORMED;
  if (!isTextListOrNone(decideOptions) || !isTextListOrNone(fetchSegmentsOptions)) return MALFORMED;
  if (typeof fetchSegments !== 'boolean' && !isNone(fetchSegments)) return MALFORMED;
  const forced = forcedDecisions?.map(parseForced) ?? [];
  if (forced.includes(null)) return MALFORMED;
  if (!userId) return NO_USER;
  const problem = userProblem(userId, userAttributes ?? NO_ATTRIBUTES, limits);
  if (problem !== null) return problem;
  const tooMany = listProblem('forced decisions', forced, limits);
  if (tooMany !== null) return tooMany;
  const unknown = decideOptions?.find((option) => !KNOWN_OPTIONS.has(option ?? ''));
  if (unknown !== undefined) return `invalid option: ${unknown ?? ''}`;
  return {
    userId,
    userAttributes: userAttributes ?? NO_ATTRIBUTES,
    decideOptions: texts(decideOptions) as readonly DecideOption[],
    forcedDecisions: forced as readonly ForcedDecision[],
    fetchSegments: fetchSegments === true,
    fetchSegmentsOptions: texts(fetchSegmentsOptions),
  };
}

function parseObject(body: Buffer): Record<string, unknown> | null {
  const value = parseJson(body);
  if (value === null) return {};
  return isObjectOrNone(value) && value !== undefined ? named(value, FIELDS) : null;
}

/** As Go's decoder finds fields: by their exact names, else in any case; the last of several. */
function named(
  object: Readonly<Record<string, unknown>>,
  fields: ReadonlyMap<string, string>,
): Record<string, unknown> {
  let result = object as Record<string, unknown>;
  for (const key in object) {
    // The usual request holds nothing but these, so that this look-up is all that it pays.
    if (fields.get(key) === key) continue;
    const field = fields.get(key.toLowerCase());
    if (field === undefined || Object.hasOwn(object, field)) continue;
    if (result === object) result = { ...object };
    result[field] = object[key];
  }
  return result;
}

function parseForced(value: unknown): ForcedDecision | null {
  if (!isObjectOrNone(value)) return null;
  const { flagKey, ruleKey, variationKey } = named(value ?? NO_ATTRIBUTES, FORCED_FIELDS);
  if (!isStringOrNone(flagKey) || !isStringOrNone(ruleKey) || !isStringOrNone(variationKey)) return null;
  return { flagKey: flagKey ?? '', ruleKey: ruleKey ?? '', variationKey: variationKey ?? '' };
}

const isNone = (value: unknown): value is null | undefined => value === undefined || value === null;
const isStringOrNone = (value: unknown): value is string | null | undefined =>
  typeof value === 'string' || isNone(value);
const isListOrNone = (value: unknown): value is readonly unknown[] | null | undefined =>
  Array.isArray(value) || isNone(value);
/** A null among the texts is an empty one, as in the original. */
const isTextListOrNone = (value: unknown): value is readonly (string | null)[] | null | undefined =>
  isNone(value) || (Array.isArray(value) && value.every(isStringOrNone));
const texts = (value: readonly (string | null)[] | null | undefined): readonly string[] =>
  isNone(value)
    ? NONE
    : value.includes(null)
      ? value.map((text) => text ?? '')
      : (value as readonly string[]);
const isObjectOrNone = (value: unknown): value is Readonly<Record<string, unknown>> | null | undefined =>
  isNone(value) || (typeof value === 'object' && !Array.isArray(value));
