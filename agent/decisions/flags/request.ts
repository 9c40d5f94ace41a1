// What is to be decided: for whom, and how. Only shapes.

export const DECIDE_OPTIONS = [
  'DISABLE_DECISION_EVENT',
  'ENABLED_FLAGS_ONLY',
  'IGNORE_USER_PROFILE_SERVICE',
  'INCLUDE_REASONS',
  'EXCLUDE_VARIABLES',
  'IGNORE_CMAB_CACHE',
  'RESET_CMAB_CACHE',
  'INVALIDATE_USER_CMAB_CACHE',
] as const;
export type DecideOption = (typeof DECIDE_OPTIONS)[number];

export interface ForcedDecision {
  readonly flagKey: string;
  /** Empty: for the flag as a whole. */
  readonly ruleKey: string;
  readonly variationKey: string;
}

export interface DecisionRequest {
  readonly userId: string;
  readonly userAttributes: Readonly<Record<string, unknown>>;
  readonly decideOptions: readonly DecideOption[];
  readonly forcedDecisions: readonly ForcedDecision[];
}
