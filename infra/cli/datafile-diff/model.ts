// A datafile as people see it in the app: flags with their rules in order, variations with their values, audiences by
// name. Reads format 4 leniently: a field that is missing or strange becomes an empty one. Decides nothing about users.

import { printableName } from '../printable.ts';
import { describeConditions } from './conditions.ts';

export interface VariationView {
  readonly key: string;
  readonly isOn: boolean;
  /** By variable, as text; what a variation does not set is the flag's default. */
  readonly values: ReadonlyMap<string, string>;
  /** Percent of the rule's traffic. */
  readonly percent: number;
}

export interface RuleView {
  readonly key: string;
  readonly kind: 'experiment' | 'delivery' | 'everyone else';
  readonly isRunning: boolean;
  /** A sentence; `everyone` where there is no audience. */
  readonly audience: string;
  /** Percent of those users who get any of the variations. */
  readonly percent: number;
  readonly variations: readonly VariationView[];
  /** User ids or names given a variation by hand (allow-list). */
  readonly forced: ReadonlyMap<string, string>;
}

export interface FlagView {
  readonly key: string;
  /** Default values by variable. */
  readonly defaults: ReadonlyMap<string, string>;
  /** In the order in which they are tried. */
  readonly rules: readonly RuleView[];
}

export interface DatafileView {
  readonly revision: string;
  readonly flags: ReadonlyMap<string, FlagView>;
  /** What each audience asks, by name. */
  readonly audiences: ReadonlyMap<string, string>;
  readonly attributes: readonly string[];
  readonly events: readonly string[];
  /** Everything else at the top, to be compared as it is. */
  readonly others: ReadonlyMap<string, string>;
}

type Json = Readonly<Record<string, unknown>>;

/** Whole traffic in a datafile's own measure. */
const TRAFFIC_ALL = 10_000;
const SEEN = new Set(
  'revision featureFlags rollouts experiments groups audiences typedAudiences attributes events'.split(' '),
);

/** @param parsed a datafile's JSON */
export function viewDatafile(parsed: unknown): DatafileView {
  const datafile = objectOf(parsed);
  const audiences = [...listOf(datafile.audiences), ...listOf(datafile.typedAudiences)];
  const names = new Map(audiences.map((audience) => [textOf(audience.id), textOf(audience.name)]));
  // The typed form comes second, and is the one that counts.
  const asked = new Map(
    audiences.map(({ id, name, conditions }) => [textOf(id), [textOf(name), conditions] as const]),
  );
  const grouped = listOf(datafile.groups).flatMap(({ experiments }) => listOf(experiments));
  const experiments = new Map(
    [...listOf(datafile.experiments), ...grouped].map((one) => [textOf(one.id), one]),
  );
  const rollouts = new Map(listOf(datafile.rollouts).map((one) => [textOf(one.id), listOf(one.experiments)]));
  const flags = listOf(datafile.featureFlags).map((flag) => {
    const tests = textsOf(flag.experimentIds).flatMap((id): Json[] => toArray(experiments.get(id)));
    return viewFlag(flag, tests, rollouts.get(textOf(flag.rolloutId)) ?? [], names);
  });
  return {
    revision: textOf(datafile.revision),
    flags: new Map(flags.map((flag) => [flag.key, flag])),
    audiences: new Map(
      [...asked.values()].map(([name, conditions]) => [name, describeConditions(conditions, names)]),
    ),
    attributes: listOf(datafile.attributes).map(({ key }) => textOf(key)),
    events: listOf(datafile.events).map(({ key }) => textOf(key)),
    others: new Map(
      Object.entries(datafile)
        .filter(([name]) => !SEEN.has(name))
        .map(([name, value]) => [textOf(name), textOf(JSON.stringify(value))]),
    ),
  };
}

function viewFlag(
  flag: Json,
  tests: readonly Json[],
  deliveries: readonly Json[],
  names: ReadonlyMap<string, string>,
): FlagView {
  const variables = new Map(listOf(flag.variables).map(({ id, key }) => [textOf(id), textOf(key)]));
  const rule = (kind: RuleView['kind']) => (one: Json) => viewRule(one, kind, variables, names);
  // The last rule of a rollout is for all users that no other rule took.
  const targeted = deliveries.slice(0, -1);
  const everyone = deliveries.slice(-1);
  return {
    key: textOf(flag.key),
    defaults: new Map(listOf(flag.variables).map((one) => [textOf(one.key), textOf(one.defaultValue)])),
    rules: [
      ...tests.map(rule('experiment')),
      ...targeted.map(rule('delivery')),
      ...everyone.map(rule('everyone else')),
    ],
  };
}

function viewRule(
  rule: Json,
  kind: RuleView['kind'],
  variables: ReadonlyMap<string, string>,
  names: ReadonlyMap<string, string>,
): RuleView {
  const shares = sharesOf(rule.trafficAllocation);
  const variations = listOf(rule.variations).map((variation): VariationView => {
    const values = listOf(variation.variables).map(
      ({ id, value }) => [variables.get(textOf(id)) ?? textOf(id), textOf(value)] as const,
    );
    const percent = shares.get(textOf(variation.id)) ?? 0;
    return {
      key: textOf(variation.key),
      isOn: variation.featureEnabled === true,
      values: new Map(values),
      percent,
    };
  });
  const { audienceConditions, audienceIds } = rule;
  const hasConditions = Array.isArray(audienceConditions)
    ? audienceConditions.length > 0
    : Boolean(audienceConditions);
  return {
    // The app generates the keys of "everyone else"; they mean nothing to people.
    key: kind === 'everyone else' ? 'everyone else' : textOf(rule.key),
    kind,
    isRunning: textOf(rule.status) === 'Running',
    audience: describeConditions(hasConditions ? audienceConditions : ['or', ...textsOf(audienceIds)], names),
    percent: round(variations.reduce((sum, { percent }) => sum + percent, 0)),
    variations,
    forced: new Map(
      Object.entries(objectOf(rule.forcedVariations)).map(([user, variation]) => [
        textOf(user),
        textOf(variation),
      ]),
    ),
  };
}

/** Percent by variation id. Ranges are cumulative, and one without an entity belongs to no variation. */
function sharesOf(trafficAllocation: unknown): Map<string, number> {
  const shares = new Map<string, number>();
  let from = 0;
  for (const { entityId, endOfRange } of listOf(trafficAllocation)) {
    const to = typeof endOfRange === 'number' ? endOfRange : from;
    const id = textOf(entityId);
    if (id !== '') shares.set(id, round((shares.get(id) ?? 0) + ((to - from) / TRAFFIC_ALL) * 100));
    from = to;
  }
  return shares;
}

/** Traffic is given in hundredths of a percent. */
const round = (percent: number): number => Math.round(percent * 100) / 100;

const toArray = <T>(value: T | undefined): T[] => (value === undefined ? [] : [value]);
/** Every editor of the project may choose names and values, so that they are not trusted. */
const textOf = (value: unknown): string =>
  printableName(
    typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value),
  );
const objectOf = (value: unknown): Json =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Json) : {};
const listOf = (value: unknown): Json[] => (Array.isArray(value) ? value.map(objectOf) : []);
const textsOf = (value: unknown): string[] => (Array.isArray(value) ? value.map(textOf) : []);
