// Audiences as the original writes them down in /v1/config: conditions as JSON text, and a rule's audiences as a sentence
// such as `("vip" OR "beta") AND "eu"`. Pure.

import type { Audience } from '../../../core/datafile/shape.ts';
import { OPERATORS } from '../../../core/engine/audience/conditions.ts';

const NOT = 'NOT';
/** What Go escapes beyond JSON's own rules, lest the text be put into a page. */
const GO_ESCAPES = /[<>&\u2028\u2029]/g;

/** A text as it came; anything else as Go writes it: keys in order, `<` and the like escaped. */
export function conditionsText(conditions: unknown): string {
  if (typeof conditions === 'string') return conditions;
  if (conditions === undefined || conditions === null) return '';
  return JSON.stringify(inOrder(conditions)).replace(
    GO_ESCAPES,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== 'object' || value === null) return value;
  const sorted: Record<string, unknown> = Object.create(null);
  for (const key of Object.keys(value).sort()) sorted[key] = inOrder((value as Record<string, unknown>)[key]);
  return sorted;
}

/**
 * The names of the audiences that a rule asks for, by its `audienceConditions`. An operator stands before its list and is
 * put between the list's members; where there is none, "or" is meant.
 */
export function audiencesText(conditions: unknown, audiences: ReadonlyMap<string, Audience>): string {
  if (!Array.isArray(conditions)) return '';
  let text = '';
  let operator = '';
  const join = (part: string) => {
    if (text === '' && operator !== NOT) text = part;
    else {
      operator ||= 'OR';
      text = text === '' ? `${operator} ${part}` : `${text} ${operator} ${part}`;
    }
  };
  for (const item of conditions) {
    if (Array.isArray(item)) join(`(${audiencesText(item, audiences)})`);
    else if (OPERATORS.has(item)) operator = item.toUpperCase();
    else if (typeof item === 'string') join(JSON.stringify(audiences.get(item)?.name ?? item));
  }
  return text;
}
