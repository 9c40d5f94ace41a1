// A decision as JSON text, in pieces: all but the user and the reasons is the same for everybody of one variation. Pure.

import type { AnswerPieces } from '../../../core/engine/outcome.ts';
import type { Decision, DecisionLore } from './decision.ts';
import type { DecideRequest } from './request.ts';

const NO_REASONS = ',"reasons":[]';
const endOf = (isEveryoneElse: boolean): string => `,"isEveryoneElseVariation":${isEveryoneElse}}`;

/** The user of a decision, the same for all decisions of a request. */
export const userText = ({ userId, userAttributes }: DecideRequest): string =>
  JSON.stringify({ userId, attributes: userAttributes });

/** @param user made by userText() */
export function decisionText(decision: Decision, user: string, lore: DecisionLore): string {
  const { before, after } = answerPieces(decision, lore);
  return before + user + reasonsText(decision) + after;
}

/** What of a decision is the same for all users. */
export function answerPieces(decision: Decision, lore: DecisionLore): AnswerPieces {
  const { variationKey, enabled, ruleKey, flagKey, variables } = decision;
  const head = { variationKey: variationKey ?? '', enabled, ruleKey: ruleKey ?? '', flagKey };
  const end = endOf(lore.isEveryoneElse(flagKey, ruleKey));
  return {
    enabled,
    before: `${JSON.stringify(head).slice(0, -1)},"userContext":`,
    after: isEmpty(variables) ? end : `,"variables":${JSON.stringify(variables)}${end}`,
    end,
  };
}

/** @param user made by userText() */
export const answerText = (
  { before, after, end }: AnswerPieces,
  user: string,
  hasVariables: boolean,
): string => before + user + NO_REASONS + (hasVariables ? after : end);

const reasonsText = ({ reasons }: Decision): string =>
  reasons.length === 0 ? NO_REASONS : `,"reasons":${JSON.stringify(reasons)}`;

function isEmpty(object: object): boolean {
  for (const _ in object) return false;
  return true;
}
