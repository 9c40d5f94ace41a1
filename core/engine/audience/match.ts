// One condition of an audience, as a function of the user. Null is "cannot be told": the attribute is missing,
// or of a type that the condition does not compare. Pure.

import { compareVersions } from './semver.ts';

export type Attributes = Readonly<Record<string, unknown>>;
export type Truth = boolean | null;

/** As much of a user as audiences ask for. */
export interface AudienceUser {
  readonly attributes: Attributes;
  /** Those of the Data Platform; null where it was not asked. */
  readonly segments: readonly string[] | null;
}

export type Test = (user: AudienceUser) => Truth;

/** As datafiles have it. */
export interface Condition {
  readonly type?: unknown;
  readonly match?: unknown;
  readonly name?: unknown;
  readonly value?: unknown;
}

type Matcher = (wanted: unknown) => (own: unknown) => Truth;

/** Larger integers are not exact, and not compared. */
const EXACT_MAX = 2 ** 53;

const unknown = (): Truth => null;

/** @throws TypeError for a condition that the SDK would fail over too */
export function testOf(condition: Condition): Test {
  const { type, match, value } = condition;
  // Segments come from the Data Platform alone; a user without them is in none.
  if (type === 'third_party_dimension') {
    if (match !== undefined && match !== 'qualified') return unknown;
    return ({ segments }) => segments?.includes(value as string) === true;
  }
  if (type !== 'custom_attribute') return unknown;
  const name = String(condition.name);
  if (name in Object.prototype) throw new TypeError(`"${name}" is no attribute`);
  if (match === 'exists') return ({ attributes }) => (attributes[name] ?? null) !== null;
  const matcher = MATCHERS.get(match);
  if (matcher === undefined) return unknown;
  const matches = matcher(value);
  return ({ attributes }) => {
    const own = attributes[name];
    return own === undefined || own === null ? null : matches(own);
  };
}

const exact: Matcher = (wanted) => {
  if (!isComparable(wanted)) return unknown;
  const type = typeof wanted;
  return (own) => (typeof own === type && isComparable(own) ? own === wanted : null);
};

const number =
  (holds: (own: number, wanted: number) => boolean): Matcher =>
  (wanted) => {
    if (!isExactNumber(wanted)) return unknown;
    return (own) => (isExactNumber(own) ? holds(own, wanted) : null);
  };

const substring: Matcher = (wanted) => {
  if (typeof wanted !== 'string') return unknown;
  return (own) => (typeof own === 'string' ? own.includes(wanted) : null);
};

const version =
  (holds: (order: number) => boolean): Matcher =>
  (wanted) => {
    if (typeof wanted !== 'string') return unknown;
    return (own) => {
      const order = typeof own === 'string' ? compareVersions(own, wanted) : null;
      return order === null ? null : holds(order);
    };
  };

/** By the datafile's own words; a condition without one asks for the very value. */
const MATCHERS: ReadonlyMap<unknown, Matcher> = new Map<unknown, Matcher>([
  [undefined, exact],
  ['exact', exact],
  ['substring', substring],
  ['gt', number((own, wanted) => own > wanted)],
  ['ge', number((own, wanted) => own >= wanted)],
  ['lt', number((own, wanted) => own < wanted)],
  ['le', number((own, wanted) => own <= wanted)],
  ['semver_eq', version((order) => order === 0)],
  ['semver_gt', version((order) => order > 0)],
  ['semver_ge', version((order) => order >= 0)],
  ['semver_lt', version((order) => order < 0)],
  ['semver_le', version((order) => order <= 0)],
]);

/** Whether a condition may ask in this way; not to say how is one of them. */
export const isMatch = (match: unknown): boolean =>
  MATCHERS.has(match) || match === 'exists' || match === 'qualified';

/** A value that conditions look at: a text, a truth, or a number that is exact. */
export const isComparable = (value: unknown): boolean =>
  typeof value === 'string' || typeof value === 'boolean' || isExactNumber(value);

const isExactNumber = (value: unknown): value is number =>
  typeof value === 'number' && Math.abs(value) <= EXACT_MAX;
