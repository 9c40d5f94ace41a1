// A decision as JSON text, in pieces: all but the user and the reasons is the same for every user of one outcome. Pure.

/** The answer's text, without the user and the reasons between. */
export interface AnswerPieces {
  readonly enabled: boolean;
  readonly before: string;
  readonly after: string;
  /** In place of `after` where variables are not wanted. */
  readonly end: string;
}

/** As much of a decision as its answer says. */
export interface AnsweredDecision {
  readonly flagKey: string;
  readonly ruleKey: string | null;
  readonly variationKey: string | null;
  readonly enabled: boolean;
  readonly variables: object;
}

const NO_REASONS = ',"reasons":[]';

/** @param isEveryoneElse whether the rule is the one for users whom no other rule took */
export function answerPieces(decision: AnsweredDecision, isEveryoneElse: boolean): AnswerPieces {
  const { variationKey, enabled, ruleKey, flagKey, variables } = decision;
  const head = { variationKey: variationKey ?? '', enabled, ruleKey: ruleKey ?? '', flagKey };
  const end = `,"isEveryoneElseVariation":${isEveryoneElse}}`;
  return {
    enabled,
    before: `${JSON.stringify(head).slice(0, -1)},"userContext":`,
    after: isEmpty(variables) ? end : `,"variables":${JSON.stringify(variables)}${end}`,
    end,
  };
}

/** @param user as JSON */
export const answerText = (
  { before, after, end }: AnswerPieces,
  user: string,
  hasVariables: boolean,
): string => before + user + NO_REASONS + (hasVariables ? after : end);

export function isEmpty(object: object): boolean {
  for (const _ in object) return false;
  return true;
}
