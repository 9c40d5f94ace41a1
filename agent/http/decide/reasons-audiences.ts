// What the original says of audiences that cannot be told for a user: because an attribute is missing or of the wrong type,
// or the datafile asks for something that it does not know. It stops an "and" at the first of them, which the SDK here does
// not. Pure.

import { UNREADABLE_TYPE } from '../../../core/datafile/readable-conditions.ts';
import { OPERATORS } from '../../../core/engine/audience/conditions.ts';
import { type Condition, isMatch, type Truth, testOf } from '../../../core/engine/audience/match.ts';

export interface AudienceUser {
  /** Conditions by audience id. */
  readonly audiences: ReadonlyMap<string, unknown>;
  readonly userAttributes: Readonly<Record<string, unknown>>;
  /** Null where the request did not ask for them. */
  readonly segments: readonly string[] | null;
}

const CONDITION_TYPES: ReadonlySet<unknown> = new Set(['custom_attribute', 'third_party_dimension']);

/** @param conditions a rule's, as JSON text @returns lines in the order in which they come up */
export function untoldAudiences(
  conditions: string,
  { audiences, userAttributes, segments }: AudienceUser,
): readonly string[] {
  const lines: string[] = [];
  const untold = (line: string): null => {
    lines.push(line);
    return null;
  };
  const condition = (leaf: unknown): Truth => {
    const { type, match, value } = (leaf ?? {}) as Condition;
    // Nothing is said of what is none.
    if (type === UNREADABLE_TYPE) return null;
    if (!CONDITION_TYPES.has(type)) return untold(`unable to evaluate condition of type "${type ?? ''}"`);
    if (type === 'third_party_dimension' && match === 'qualified')
      return segments?.includes(String(value)) === true;
    if (!isMatch(match)) return untold(`invalid Condition matcher "${match}"`);
    return testOf(leaf as Condition)({ attributes: userAttributes, segments });
  };
  const audience = (id: unknown): Truth => {
    const tree = audiences.get(String(id));
    if (tree === undefined) return untold(`unable to evaluate nested tree for audience ID "${id}"`);
    const truth = truthOf(tree, condition);
    return truth ?? untold(`an error occurred while evaluating nested tree for audience ID "${id}"`);
  };
  truthOf(JSON.parse(conditions), audience);
  return lines;
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
