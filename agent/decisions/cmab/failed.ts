// A flag that was not decided, because the variation of a rule could not be predicted: the rules after it are not asked, and
// of all reasons the last is told, wanted or not. Pure.

import type { FlagDecision } from '../flags/decision.ts';

const FAILED = /^Failed to fetch CMAB data for experiment (.*)\.$/s;

export type FailedPrediction = Required<Pick<FlagDecision, 'reasons' | 'isFailed'>>;

/**
 * What a failed decision says instead; null for any other decision.
 * @param rules ids of the flag's rules that are predicted, by rule key
 * @param unknown see Predictions
 */
export function failureOf(
  { variationKey, reasons }: Pick<FlagDecision, 'variationKey' | 'reasons'>,
  rules: ReadonlyMap<string, string> | undefined,
  unknown: ReadonlyMap<string, string>,
): FailedPrediction | null {
  if (variationKey !== null) return null;
  const ruleKey = FAILED.exec(reasons.at(-1) ?? '')?.[1];
  if (ruleKey === undefined) return null;
  const ruleId = rules?.get(ruleKey) ?? '';
  const variationId = unknown.get(ruleId);
  const reason =
    variationId === undefined
      ? `Failed to fetch CMAB data for experiment ${ruleKey}.`
      : `variation with ID ${variationId} not found in experiment ${ruleId}`;
  return { reasons: [reason], isFailed: true };
}
