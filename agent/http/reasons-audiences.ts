// Audiences that cannot be told for a user, because an attribute is missing or of the wrong type: the original names them
// among its reasons, and stops an "and" at the first of them, which the SDK here does not. Pure.

import { OPERATORS } from '../decider/conditions.ts';
import { type Condition, type Truth, testOf } from '../decider/match.ts';

export interface AudienceUser {
  /** Conditions by audience id. */
  readonly audiences: ReadonlyMap<string, unknown>;
  readonly userAttributes: Readonly<Record<string, unknown>>;
  /** Null where nobody asked for them. */
  readonly segments: readonly string[] | null;
}

/** @param conditions a rule's, as JSON text @returns ids in the order in which they come up */
export function untoldAudiences(
  conditions: string,
  { audiences, userAttributes, segments }: AudienceUser,
): readonly string[] {
  const untold: string[] = [];
  const condition = (leaf: unknown): Truth => {
    const { type, match, value } = leaf as Condition;
    if (type === 'third_party_dimension' && match === 'qualified')
      return segments?.includes(String(value)) === true;
    return testOf(leaf as Condition)(userAttributes);
  };
  const audience = (id: unknown): Truth => {
    const tree = audiences.get(String(id));
    const truth = tree === undefined ? null : truthOf(tree, condition);
    if (truth === null) untold.push(String(id));
    return truth;
  };
  truthOf(JSON.parse(conditions), audience);
  return untold;
}

function truthOf(tree: unknown, leaf: (one: unknown) => Truth): Truth {
  if (!Array.isArray(tree)) return leaf(tree);
  const [first, ...rest] = tree;
  if (!OPERATORS.has(first)) return any(tree, leaf);
  if (first === 'or') return any(rest, leaf);
  if (first === 'and') {
    for (const one of rest) {
      const truth = truthOf(one, leaf);
      if (truth !== true) return truth;
    }
    return true;
  }
  const inner = rest.length === 0 ? null : truthOf(rest[0], leaf);
  return inner === null ? null : !inner;
}

function any(list: readonly unknown[], leaf: (one: unknown) => Truth): Truth {
  let isUntold = false;
  for (const one of list) {
    const truth = truthOf(one, leaf);
    if (truth === true) return true;
    if (truth === null) isUntold = true;
  }
  return isUntold ? null : false;
}
