// A decision as OpenFeature's remote evaluation protocol (OFREP) wants it: one value per key. The protocol does not say which
// type the caller expects, so the key does, and never how many variables a flag happens to have. Pure.
//
//   flag            on or off
//   flag.variable   that variable's value
//   flag.$variables all variables as an object; empty where there are none
//   flag.$enabled   on or off, as the plain key

import type { FlagDecision } from '../../decisions/flags/decision.ts';

/** As much of a decision as is evaluated. */
type Evaluated = Pick<FlagDecision, 'enabled' | 'variables' | 'variationKey' | 'ruleKey'>;

export type OfrepValue = boolean | string | number | object;

const ENABLED = '$enabled';
const VARIABLES = '$variables';

/** What a key asks for: a flag, and what of it. Flag and variable keys hold no dot. */
export interface Asked {
  readonly flagKey: string;
  /** Null: the flag itself. */
  readonly part: string | null;
}

export function parseKey(key: string): Asked {
  const dot = key.indexOf('.');
  return dot < 0 ? { flagKey: key, part: null } : { flagKey: key.slice(0, dot), part: key.slice(dot + 1) };
}

export type Metadata = Readonly<Record<string, string | number | boolean>>;

export type Reason = 'DEFAULT' | 'TARGETING_MATCH' | 'SPLIT';

export interface Evaluation {
  readonly key: string;
  readonly value: OfrepValue;
  readonly reason: Reason;
  readonly variant?: string;
  readonly metadata: Metadata;
}

/** Null when the flag has no such variable. @param metadata beside what the decision itself says */
export function evaluationOf(
  key: string,
  part: string | null,
  decision: Evaluated,
  reason: Reason,
  metadata: Metadata = {},
): Evaluation | null {
  const value = partOf(part, decision);
  if (value === null) return null;
  const { variationKey, ruleKey, enabled } = decision;
  return {
    key,
    value,
    reason,
    ...(variationKey === null ? {} : { variant: variationKey }),
    metadata: { ...metadata, enabled, ...(ruleKey === null ? {} : { ruleKey }) },
  };
}

/** All that a flag can be asked for. Clients that evaluate in bulk never ask for one key alone. */
export function evaluationsOf(decision: FlagDecision, reason: Reason): Evaluation[] {
  const { flagKey } = decision;
  const names = Object.keys(decision.variables);
  const parts = [null, ENABLED, ...(names.length === 0 ? [] : [VARIABLES, ...names])];
  return parts.flatMap((part) => {
    const key = part === null ? flagKey : `${flagKey}.${part}`;
    return evaluationOf(key, part, decision, reason) ?? [];
  });
}

function partOf(part: string | null, { enabled, variables }: Evaluated): OfrepValue | null {
  if (part === null || part === ENABLED) return enabled;
  if (part === VARIABLES) return variables;
  // A JSON variable may be null, which the protocol has no value for.
  return Object.hasOwn(variables, part) ? ((variables[part] ?? null) as OfrepValue | null) : null;
}
