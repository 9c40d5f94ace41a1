// A decision and its JSON, in pieces: all but the user and the reasons is the same for every user of one outcome. Pure.

/** One flag's decision for one user, by the engine or by the SDK. */
export interface SaidDecision extends PlainDecision {
  readonly reasons: readonly string[];
  readonly pieces: DecisionPieces;
}

export interface PlainDecision {
  readonly flagKey: string;
  readonly ruleKey: string | null;
  readonly variationKey: string | null;
  readonly enabled: boolean;
  /** By key. */
  readonly variables: Readonly<Record<string, unknown>>;
}

/** A decision's JSON, without the user and the reasons between. */
export interface DecisionPieces {
  readonly before: string;
  readonly after: string;
  /** In place of `after` where variables are not wanted. */
  readonly end: string;
}

/** @param isEveryoneElse whether the rule is the one for users whom no other rule took */
export function decisionPieces(decision: PlainDecision, isEveryoneElse: boolean): DecisionPieces {
  const { variationKey, enabled, ruleKey, flagKey, variables } = decision;
  const head = { variationKey: variationKey ?? '', enabled, ruleKey: ruleKey ?? '', flagKey };
  const end = `,"isEveryoneElseVariation":${isEveryoneElse}}`;
  return {
    before: `${JSON.stringify(head).slice(0, -1)},"userContext":`,
    after: isEmpty(variables) ? end : `,"variables":${JSON.stringify(variables)}${end}`,
    end,
  };
}

function isEmpty(object: object): boolean {
  for (const _ in object) return false;
  return true;
}
