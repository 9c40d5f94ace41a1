// An audience's conditions in the shape that the Optimizely SDK reads: JSON in a text for `audiences`, parsed for
// `typedAudiences`. Conditions that cannot be read become one of which nothing can be told, so that neither "is in it" nor
// "is not in it" holds for any user, as with Optimizely's Agent. Pure, but for the audience that it is given.

import { partName } from './left-out.ts';
import { type Fields, isFields, type Notes } from './left-out-notes.ts';

const OPERATORS: ReadonlySet<unknown> = new Set(['and', 'or', 'not']);
/** A type that no SDK knows: such a condition is neither true nor false. */
export const UNREADABLE_TYPE = 'unreadable';
const UNKNOWABLE = { type: UNREADABLE_TYPE };

/** Where an audience keeps conditions that could not be read: what describes the project shows them as they came. */
export const GIVEN_CONDITIONS = 'givenConditions';

export function makeConditionsReadable(audience: Fields, shape: 'text' | 'parsed', notes: Notes): void {
  const { id, conditions } = audience;
  const given = typeof conditions === 'string' ? parse(conditions) : conditions;
  const read = readable(given);
  if (read !== given) {
    notes.add({ audienceId: id }, partName('audience', id), 'has conditions that cannot be read');
    audience[GIVEN_CONDITIONS] = conditions;
  }
  if (shape === 'parsed') audience.conditions = read;
  // A text that can be read stays as it is: the SDK takes nothing but texts here, and parses them once more.
  else if (typeof conditions !== 'string' || read !== given) audience.conditions = JSON.stringify(read);
}

/** The very same where it can be read: nearly all are, and are not copied. */
function readable(tree: unknown): unknown {
  if (isFields(tree)) {
    // No way of comparing is the oldest way, "exact"; the SDK knows that only where the field is missing.
    if ((tree.match ?? '') === '') delete tree.match;
    // Segments have names; the SDK would say of any other that no user is in it, so that "not" would hold for every user.
    if (tree.match === 'qualified' && typeof tree.value !== 'string') return UNKNOWABLE;
    return tree;
  }
  // In a list without an operator the SDK would take the first condition for one, and forget it.
  if (!Array.isArray(tree)) return UNKNOWABLE;
  const [operator] = tree;
  if (typeof operator !== 'string' || operator === '') return UNKNOWABLE;
  // An operator that is unknown is "or" to Optimizely's Agent.
  let copy: unknown[] | null = OPERATORS.has(operator) ? null : ['or', ...tree.slice(1)];
  for (let i = 1; i < tree.length; i++) {
    const read = readable(tree[i]);
    if (read === tree[i]) continue;
    copy ??= [...tree];
    copy[i] = read;
  }
  return copy ?? tree;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
