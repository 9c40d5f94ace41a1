// Why a decision was made, in the words of the original's SDK: clients and its own tests compare them. What is said here
// and not there is left out; steps that are only seen there are worked out anew. Pure.

import { sentencesAbout } from '../../../core/datafile/left-out.ts';
import type { Held } from '../../datafiles/store.ts';
import type { FlagClient } from '../../decisions/flag-client.ts';
import type { FlagDecision } from '../../decisions/flags/decision.ts';
import { projectKeys } from '../project/project-keys.ts';
import { untoldAudiences } from './reasons-audiences.ts';
import { type OriginalWording, OTHER_LINES, USER_LINES } from './reasons-lines.ts';
import type { DecideRequest } from './request.ts';

const BUCKETING_ID = '$opt_bucketing_id';
const NO_RULES: ReadonlyMap<string, string> = new Map();

/** What is known of a user before anything is decided. */
export interface KnownUser {
  /** See KeptVariations. */
  readonly unknownKept: ReadonlyMap<string, string>;
  readonly segments: readonly string[] | null;
}

/** As much of a decision as its reasons depend on. */
export type ReasonedDecision = Pick<
  FlagDecision,
  'reasons' | 'flagKey' | 'ruleKey' | 'variationKey' | 'enabled'
>;

/** To be asked for before the decision, which may keep other variations. */
export function knownUser(
  { built }: Held<FlagClient>,
  { userId, decideOptions }: DecideRequest,
  segments: readonly string[] | null = null,
): KnownUser {
  // Reasons are the SDK's; for all else its client is not built.
  const isTold = decideOptions.includes('INCLUDE_REASONS');
  const isKept = isTold && !decideOptions.includes('IGNORE_USER_PROFILE_SERVICE');
  return { unknownKept: (isKept ? built.kept?.unknownTo(userId) : null) ?? NO_RULES, segments };
}

/** The decision as it was, but for the words of its reasons; one that failed has its own. */
export function withReasons(
  held: Held<FlagClient>,
  request: DecideRequest,
  decision: FlagDecision,
  user: KnownUser,
): FlagDecision {
  if (decision.isFailed) return decision;
  const reasons = reasonsInWords(held, request, decision, user);
  return reasons === decision.reasons ? decision : { ...decision, reasons };
}

/** Invalid variables are told first, also where no reasons are wanted; then what of the flag is left out or set aside. */
export function reasonsInWords(
  held: Held<FlagClient>,
  request: DecideRequest,
  decision: ReasonedDecision,
  user: KnownUser,
): readonly string[] {
  const { invalidVariables } = held.built;
  const parts = partsLeftOut(held, request, decision);
  const byRules = worded(held, request, decision, user);
  const reasons = parts.length === 0 ? byRules : [...parts, ...byRules];
  if (invalidVariables === null || request.decideOptions.includes('EXCLUDE_VARIABLES')) return reasons;
  return [...invalidVariables.reasonsOf(decision), ...reasons];
}

const partsLeftOut = (
  { leftOut = [] }: Held<FlagClient>,
  { decideOptions }: DecideRequest,
  { flagKey }: ReasonedDecision,
): readonly string[] =>
  leftOut.length > 0 && decideOptions.includes('INCLUDE_REASONS') ? sentencesAbout(leftOut, flagKey) : [];

function worded(
  held: Held<FlagClient>,
  request: DecideRequest,
  { reasons, flagKey, ruleKey }: ReasonedDecision,
  { unknownKept, segments }: KnownUser,
): readonly string[] {
  if (reasons.length === 0 || !request.decideOptions.includes('INCLUDE_REASONS')) return reasons;
  const { deliveryRules, audiences } = projectKeys(held);
  const { userId, userAttributes } = request;
  const telling = {
    userId,
    ruleKey: ruleKey ?? '',
    deliveryRules: deliveryRules.get(flagKey) ?? [],
    untold: (conditions: string) => untoldAudiences(conditions, { audiences, userAttributes, segments }),
    predictedRules: held.built.predicted?.rules.byFlag.get(flagKey) ?? NO_RULES,
    unknownKept,
    bucketingProblem: bucketingProblem(userAttributes),
  };
  return reasons.flatMap((reason, i) => {
    const following = reasons.slice(i + 1, i + 3);
    return inWords({ ...telling, following }, reason) ?? [];
  });
}

function inWords(telling: OriginalWording, reason: string): string | readonly string[] | null {
  const user = `User ${telling.userId} `;
  const isAboutUser = reason.startsWith(user);
  const text = isAboutUser ? reason.slice(user.length) : reason;
  for (const [pattern, write] of isAboutUser ? USER_LINES : OTHER_LINES) {
    const found = pattern.exec(text);
    if (found !== null) return write(telling, ...found.slice(1));
  }
  return reason;
}

/** What the original says of an id to bucket by that is no text; null where all is well. */
function bucketingProblem(attributes: Readonly<Record<string, unknown>>): string | null {
  if (!Object.hasOwn(attributes, BUCKETING_ID)) return null;
  const id = attributes[BUCKETING_ID];
  return typeof id === 'string' ? null : `invalid bucketing ID provided: "${inGo(id)}"`;
}

/** A value of JSON as Go prints it. */
function inGo(value: unknown): string {
  if (value === null) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(inGo).join(' ')}]`;
  if (typeof value !== 'object') return String(value);
  const entries = Object.entries(value as object).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${entries.map(([key, inner]) => `${key}:${inGo(inner)}`).join(' ')}]`;
}
