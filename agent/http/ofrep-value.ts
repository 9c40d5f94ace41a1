// A decision as OpenFeature's remote evaluation protocol (OFREP) wants it: one value per flag key. The protocol does not
// say which type the caller expects, so the key does. Pure.
//
//   flag            without variables: on or off; with one: its value; with more: all of them as an object
//   flag.variable   that variable's value
//   flag.$enabled   on or off, whatever variables there are
//   flag.$variables all variables as an object, however many

import type { Decision } from './ofrep-decide.ts';

export type OfrepValue = boolean | string | number | object;

const ENABLED = '$enabled';
const VARIABLES = '$variables';

/** What a key asks for: a flag, and what of it. Flag and variable keys hold no dot. */
export interface Asked {
  readonly flagKey: string;
  /** Null: whatever the flag has. */
  readonly part: string | null;
}

export function parseKey(key: string): Asked {
  const dot = key.indexOf('.');
  return dot < 0 ? { flagKey: key, part: null } : { flagKey: key.slice(0, dot), part: key.slice(dot + 1) };
}

export interface Evaluation {
  readonly key: string;
  readonly value: OfrepValue;
  readonly reason: string;
  readonly variant?: string;
  readonly metadata: Readonly<Record<string, string | number | boolean>>;
}

/** What the datafile says beyond the decision. */
export interface EvaluationSource {
  /** Keys of the flag's rules that are experiments. */
  readonly experiments: ReadonlySet<string>;
  readonly metadata: Evaluation['metadata'];
}

/** Null when the flag has no such variable. */
export function evaluationOf(
  key: string,
  part: string | null,
  decision: Decision,
  { experiments, metadata }: EvaluationSource,
): Evaluation | null {
  const value = partOf(part, decision);
  if (value === null) return null;
  const { variationKey, ruleKey, enabled } = decision;
  return {
    key,
    value,
    reason: reasonOf(ruleKey, experiments),
    ...(variationKey === null ? {} : { variant: variationKey }),
    metadata: { ...metadata, enabled, ...(ruleKey === null ? {} : { ruleKey }) },
  };
}

/** In OpenFeature's terms. */
function reasonOf(ruleKey: string | null, experiments: ReadonlySet<string>): string {
  if (ruleKey === null) return 'DEFAULT';
  return experiments.has(ruleKey) ? 'SPLIT' : 'TARGETING_MATCH';
}

function partOf(part: string | null, { enabled, variables }: Decision): OfrepValue | null {
  if (part === ENABLED) return enabled;
  if (part === VARIABLES) return variables;
  // A JSON variable may be null, which the protocol has no value for.
  if (part !== null) return Object.hasOwn(variables, part) ? asValue(variables[part]) : null;
  const keys = Object.keys(variables);
  if (keys.length === 0) return enabled;
  return keys.length === 1 ? asValue(variables[keys[0] as string]) : variables;
}

const asValue = (variable: unknown): OfrepValue | null => (variable ?? null) as OfrepValue | null;
