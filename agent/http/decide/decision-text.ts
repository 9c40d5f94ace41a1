// The SDK's decisions as JSON text, as the engine's are. Pure.

import { answerPieces } from '../../../core/engine/said/answer.ts';
import type { Decision, DecisionLore } from './decision.ts';
import type { DecideRequest } from './request.ts';

const NO_REASONS = ',"reasons":[]';

/** The user of a decision, the same for all decisions of a request. */
export const userText = ({ userId, userAttributes }: DecideRequest): string =>
  JSON.stringify({ userId, attributes: userAttributes });

/** @param user made by userText() */
export function decisionText(decision: Decision, user: string, lore: DecisionLore): string {
  const { flagKey, ruleKey } = decision;
  const { before, after } = answerPieces(decision, lore.isEveryoneElse(flagKey, ruleKey));
  return before + user + reasonsText(decision) + after;
}

const reasonsText = ({ reasons }: Decision): string =>
  reasons.length === 0 ? NO_REASONS : `,"reasons":${JSON.stringify(reasons)}`;
