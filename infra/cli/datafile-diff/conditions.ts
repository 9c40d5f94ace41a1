// Audience conditions as a sentence: `country is "DE" and (age ≥ 18 or plan contains "pro")`. Reads all that a
// datafile holds and never fails: a condition that it does not know is shown as it is written.

import { printableName } from '../printable.ts';

const WORDS: Readonly<Record<string, string>> = {
  exact: 'is',
  substring: 'contains',
  gt: '>',
  ge: '≥',
  lt: '<',
  le: '≤',
  semver_eq: 'is version',
  semver_gt: 'is later than version',
  semver_ge: 'is at least version',
  semver_lt: 'is earlier than version',
  semver_le: 'is at most version',
};

/** An operand's text, and whether it has to stand in parentheses beside others. */
interface Phrase {
  readonly text: string;
  readonly operator: 'and' | 'or' | null;
}

/** @param names of audiences by their id */
export function describeConditions(conditions: unknown, names: ReadonlyMap<string, string>): string {
  return printableName(phraseOf(unpack(conditions), names)?.text ?? 'everyone');
}

/** Old audiences hold their conditions as JSON text. */
function unpack(conditions: unknown): unknown {
  if (typeof conditions !== 'string' || !/^\s*[[{]/.test(conditions)) return conditions;
  try {
    return JSON.parse(conditions);
  } catch {
    return conditions; // Shown as it is.
  }
}

function phraseOf(node: unknown, names: ReadonlyMap<string, string>): Phrase | null {
  if (typeof node === 'string') return { text: `"${names.get(node) ?? node}"`, operator: null };
  if (Array.isArray(node)) return listOf(node, names);
  if (node === null || typeof node !== 'object') return null;
  return { text: leafOf(node as Readonly<Record<string, unknown>>), operator: null };
}

function listOf(list: readonly unknown[], names: ReadonlyMap<string, string>): Phrase | null {
  const [first, ...rest] = list;
  const isOperator = first === 'and' || first === 'or' || first === 'not';
  const operands = (isOperator ? rest : list).flatMap((node) => phraseOf(node, names) ?? []);
  // Without an operator the SDK takes "or".
  const operator = isOperator ? first : 'or';
  if (operands.length === 0) return null;
  if (operator === 'not') return { text: `not ${within(operands[0] as Phrase, true)}`, operator: null };
  if (operands.length === 1) return operands[0] as Phrase;
  const texts = operands.map((phrase) => within(phrase, phrase.operator !== operator));
  return { text: texts.join(` ${operator} `), operator };
}

const within = ({ text, operator }: Phrase, differs: boolean): string =>
  operator !== null && differs ? `(${text})` : text;

function leafOf({ type, name, match, value }: Readonly<Record<string, unknown>>): string {
  if (type === 'third_party_dimension') return `in ODP segment ${JSON.stringify(value)}`;
  if (match === 'exists') return `has ${name}`;
  const word = WORDS[String(match ?? 'exact')] ?? String(match);
  return `${name} ${word} ${JSON.stringify(value)}`;
}
