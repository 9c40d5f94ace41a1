// The body of POST /v1/decide: read once, checked by hand, in the original's own words. Pure.

import { isUtf8 } from 'node:buffer';

export const DECIDE_OPTIONS = [
  'DISABLE_DECISION_EVENT',
  'ENABLED_FLAGS_ONLY',
  'IGNORE_USER_PROFILE_SERVICE',
  'INCLUDE_REASONS',
  'EXCLUDE_VARIABLES',
] as const;
export type DecideOption = (typeof DECIDE_OPTIONS)[number];

const MALFORMED = 'error parsing request body';
const NO_USER = 'missing "userId" in request payload';
const KNOWN_OPTIONS: ReadonlySet<string> = new Set(DECIDE_OPTIONS);

export interface ForcedDecision {
  readonly flagKey: string;
  /** Empty: for the flag as a whole. */
  readonly ruleKey: string;
  readonly variationKey: string;
}

export interface DecideRequest {
  readonly userId: string;
  readonly userAttributes: Readonly<Record<string, unknown>>;
  readonly decideOptions: readonly DecideOption[];
  readonly forcedDecisions: readonly ForcedDecision[];
}

/** The request, or the text of the 400 that it deserves. */
export function parseDecideRequest(body: Buffer): DecideRequest | string {
  if (body.byteLength === 0) return NO_USER;
  const fields = parseObject(body);
  if (fields === null) return MALFORMED;
  const { userId, userAttributes, decideOptions, forcedDecisions } = fields;
  // A null counts as left out, as in the original.
  if (!isStringOrNone(userId) || !isObjectOrNone(userAttributes)) return MALFORMED;
  if (!isListOrNone(decideOptions) || !isListOrNone(forcedDecisions)) return MALFORMED;
  if (!decideOptions?.every((option) => typeof option === 'string') && decideOptions?.length)
    return MALFORMED;
  const forced = forcedDecisions?.map(parseForced) ?? [];
  if (forced.includes(null)) return MALFORMED;
  if (!userId) return NO_USER;
  const unknown = decideOptions?.find((option) => !KNOWN_OPTIONS.has(option as string));
  if (unknown !== undefined) return `invalid option: ${unknown}`;
  return {
    userId,
    userAttributes: userAttributes ?? {},
    decideOptions: (decideOptions ?? []) as readonly DecideOption[],
    forcedDecisions: forced as readonly ForcedDecision[],
  };
}

function parseObject(body: Buffer): Record<string, unknown> | null {
  if (!isUtf8(body)) return null;
  try {
    const value: unknown = JSON.parse(body.toString());
    if (value === null) return {};
    return isObjectOrNone(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null; // The caller answers 400.
  }
}

function parseForced(value: unknown): ForcedDecision | null {
  if (!isObjectOrNone(value)) return null;
  const { flagKey, ruleKey, variationKey } = value ?? {};
  if (!isStringOrNone(flagKey) || !isStringOrNone(ruleKey) || !isStringOrNone(variationKey)) return null;
  return { flagKey: flagKey ?? '', ruleKey: ruleKey ?? '', variationKey: variationKey ?? '' };
}

const isStringOrNone = (value: unknown): value is string | null | undefined =>
  typeof value === 'string' || value === undefined || value === null;
const isListOrNone = (value: unknown): value is readonly unknown[] | null | undefined =>
  Array.isArray(value) || value === undefined || value === null;
const isObjectOrNone = (value: unknown): value is Readonly<Record<string, unknown>> | null | undefined =>
  value === undefined || value === null || (typeof value === 'object' && !Array.isArray(value));
