// One flag's decision for one user, in one shape for those of the decider and of the SDK, and its JSON: all but the user and the
// reasons is written once for all users of an outcome. Pure.

import { decisionPieces, type SaidDecision } from '../../../core/engine/said/decision.ts';
import type { SdkDecision } from '../sdk-types.ts';

export interface FlagDecision extends SaidDecision {
  /** Of the prediction that gave the variation; undefined where none did. */
  readonly predictionId?: string | undefined;
  /** The flag was not decided, because a variation could not be predicted; `reasons` says which. */
  readonly isFailed?: true;
}

const NO_REASONS = ',"reasons":[]';

/** What a client says of a decision beyond the SDK. */
export interface DecisionTraits {
  isEveryoneElse(flagKey: string, ruleKey: string | null): boolean;
}

/** The SDK's decision without the SDK's user, which drags the whole client in. */
export function flagDecision(decision: SdkDecision, traits: DecisionTraits): FlagDecision {
  const { flagKey, ruleKey, variationKey, enabled, reasons } = decision;
  const variables = decision.variables as FlagDecision['variables'];
  const pieces = decisionPieces(
    { flagKey, ruleKey, variationKey, enabled, variables },
    traits.isEveryoneElse(flagKey, ruleKey),
  );
  return { flagKey, ruleKey, variationKey, enabled, variables, reasons, pieces };
}

/** In the SDK's own words. */
export const unknownFlag = (flagKey: string): FlagDecision =>
  flagDecision(
    {
      flagKey,
      ruleKey: null,
      variationKey: null,
      enabled: false,
      variables: {},
      reasons: [`No flag was found for key "${flagKey}".`],
    } as unknown as SdkDecision,
    { isEveryoneElse: () => false },
  );

/** The user of a decision as JSON, the same for all decisions of a request. */
export const userText = (userId: string, attributes: Readonly<Record<string, unknown>>): string =>
  JSON.stringify({ userId, attributes });

/** A decision as JSON. @param user made by userText() */
export function decisionText(
  { pieces, reasons, predictionId }: FlagDecision,
  user: string,
  hasVariables: boolean,
): string {
  const { before, after, end } = pieces;
  const told = reasons.length === 0 ? NO_REASONS : `,"reasons":${JSON.stringify(reasons)}`;
  const text = before + user + told + (hasVariables ? after : end);
  return predictionId === undefined
    ? text
    : `${text.slice(0, -1)},"cmabUUID":${JSON.stringify(predictionId)}}`;
}
