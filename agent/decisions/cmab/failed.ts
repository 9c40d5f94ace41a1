// A flag that was not decided, because the variation of a rule could not be predicted: the rules after it are not asked, and
// of all reasons the last is told, wanted or not. Pure.

import type { Predicted } from '../flag-client.ts';
import type { Decision } from '../flags/decision.ts';

const FAILED = /^Failed to fetch CMAB data for experiment (.*)\.$/s;

/** Whether there is no decision for want of a prediction. */
export const isFailed = (decision: Decision): boolean => failedRule(decision) !== null;

/**
 * The decision with its one reason; null for any other decision.
 * @param unknown see Predictions
 */
export function withFailure(
  decision: Decision,
  predicted: Predicted | null,
  unknown: ReadonlyMap<string, string>,
): Decision | null {
  const ruleKey = failedRule(decision);
  if (ruleKey === null) return null;
  const ruleId = predicted?.rules.byFlag.get(decision.flagKey)?.get(ruleKey) ?? '';
  const variationId = unknown.get(ruleId);
  const reason =
    variationId === undefined
      ? `Failed to fetch CMAB data for experiment ${ruleKey}.`
      : `variation with ID ${variationId} not found in experiment ${ruleId}`;
  return { ...decision, reasons: [reason] };
}

function failedRule({ variationKey, reasons }: Decision): string | null {
  if (variationKey !== null) return null;
  return FAILED.exec(reasons.at(-1) ?? '')?.[1] ?? null;
}
