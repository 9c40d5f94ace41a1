// What of a project the SDK keeps to itself: its Data Platform, which rules ask for a prediction, and which are for everyone
// else. Read from the parsed datafile while the client is built of it. Pure.

import { GIVEN_CONDITIONS } from '../../core/datafile/readable-conditions.ts';
import type { DatafileJson, Rule } from '../../core/datafile/shape.ts';
import type { KeptRules } from './profiles/kept-variations.ts';

export interface OdpProject {
  /** Origin and maybe a path; without a slash at its end. */
  readonly host: string;
  readonly apiKey: string;
  /** The segments that audiences ask about, sorted. */
  readonly segments: readonly string[];
}

export interface ProjectTraits {
  /** Null where the project has no Data Platform. */
  readonly odp: OdpProject | null;
  /** Null where no rule asks for a prediction. */
  readonly predicted: PredictedRules | null;
  readonly everyoneElse: EveryoneElse;
  /** Their keys. */
  readonly holdouts: ReadonlySet<string>;
}

/** Rules that ask for a prediction. */
export interface PredictedRules {
  /** Flag key → rule key → rule id. */
  readonly byFlag: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Rule key → rule id, also of rules that are no flag's. */
  readonly byKey: ReadonlyMap<string, string>;
}
/** Flag key → keys of its rules that are for everyone else. */
export type EveryoneElse = ReadonlyMap<string, ReadonlySet<string>>;

const DEFAULT_REGION = 'US';
/** What Optimizely begins the ids of such rules with, and Optimizely's Agent knows them by. */
const EVERYONE_ELSE_PREFIX = 'default-';

/** Of a datafile that a client could be built of, so its shape is known to be right where the SDK needs it to be. */
export function readTraits(datafile: unknown): ProjectTraits {
  const project = datafile as DatafileJson;
  return {
    odp: readOdp(project),
    predicted: readPredicted(project),
    everyoneElse: readEveryoneElse(project),
    holdouts: new Set([...(project.holdouts ?? []), ...(project.localHoldouts ?? [])].map(({ key }) => key)),
  };
}

/** The region that events name; Optimizely's Agent sends it as the datafile has it. */
export function regionOf(datafile: unknown): string {
  const { region } = datafile as DatafileJson;
  return typeof region === 'string' && region !== '' ? region : DEFAULT_REGION;
}

/** Experiments by id, those in groups too. @param datafile that a client was built of */
export function readExperiments(datafile: unknown): KeptRules {
  const { experiments, groups } = datafile as DatafileJson;
  const all = [...(experiments ?? []), ...(groups ?? []).flatMap((group) => group.experiments ?? [])];
  return new Map(
    all.map(({ id, key, cmab, variations }) => [
      id,
      { key, isPredicted: Boolean(cmab), variationIds: new Set(variations?.map((one) => one.id)) },
    ]),
  );
}

function readOdp(project: DatafileJson): OdpProject | null {
  const integration = project.integrations?.find(({ key }) => key === 'odp');
  const { host, publicKey } = integration ?? {};
  if (typeof host !== 'string' || host === '' || typeof publicKey !== 'string' || publicKey === '')
    return null;
  const segments = new Set<string>();
  // The SDK looks at typed audiences in place of plain ones of the same id; asking about both does no harm.
  for (const audience of [...(project.audiences ?? []), ...(project.typedAudiences ?? [])]) {
    // What cannot be read asks for its segments all the same, as with Optimizely's Agent.
    const conditions = audience[GIVEN_CONDITIONS] ?? audience.conditions;
    collectSegments(typeof conditions === 'string' ? parse(conditions) : conditions, segments);
  }
  return { host: host.replace(/\/+$/, ''), apiKey: publicKey, segments: [...segments].sort() };
}

function collectSegments(condition: unknown, segments: Set<string>): void {
  if (Array.isArray(condition)) for (const inner of condition) collectSegments(inner, segments);
  else if (typeof condition === 'object' && condition !== null && 'match' in condition) {
    const { match, value } = condition as { match: unknown; value?: unknown };
    if (match === 'qualified' && typeof value === 'string') segments.add(value);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // An audience that the SDK cannot read either.
  }
}

function readPredicted({ experiments, groups, featureFlags }: DatafileJson): PredictedRules | null {
  const rules = new Map<string, Rule>();
  const all = [experiments, ...(groups ?? []).map((group) => group.experiments)];
  for (const some of all)
    for (const experiment of some ?? []) if (experiment.cmab) rules.set(experiment.id, experiment);
  if (rules.size === 0) return null;
  const byFlag = new Map<string, ReadonlyMap<string, string>>();
  for (const { key, experimentIds } of featureFlags ?? []) {
    const own = (experimentIds ?? []).flatMap((id) => rules.get(id) ?? []);
    if (own.length > 0) byFlag.set(key, new Map(own.map((rule) => [rule.key, rule.id])));
  }
  return { byFlag, byKey: new Map([...rules.values()].map(({ id, key }) => [key, id])) };
}

/** By Optimizely's Agent's own rule: of a flag's delivery rules, the first of a key counts, and it has that key for its id. */
function readEveryoneElse({ rollouts, featureFlags }: DatafileJson): EveryoneElse {
  const keysOf = new Map<string, ReadonlySet<string>>();
  for (const { id, experiments } of rollouts ?? []) {
    const keys = new Set<string>();
    const seen = new Set<string>();
    for (const rule of experiments ?? []) {
      const isFirst = !seen.has(rule.key);
      seen.add(rule.key);
      if (isFirst && rule.key === rule.id && rule.key.startsWith(EVERYONE_ELSE_PREFIX)) keys.add(rule.key);
    }
    keysOf.set(id, keys);
  }
  const byFlag = new Map<string, ReadonlySet<string>>();
  for (const { key, rolloutId } of featureFlags ?? []) {
    const keys = keysOf.get(rolloutId ?? '');
    if (keys !== undefined && keys.size > 0) byFlag.set(key, keys);
  }
  return byFlag;
}
