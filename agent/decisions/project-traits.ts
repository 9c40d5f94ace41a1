// What of a project the SDK keeps to itself: its Data Platform, which rules ask for a prediction, and which are for everyone
// else. Read from the parsed datafile while the client is built of it. Pure.

import { GIVEN_CONDITIONS } from '../../core/datafile/readable-conditions.ts';
import type { DatafileJson, Rule } from '../../core/datafile/shape.ts';
import { everyoneElseAmong } from '../../core/engine/project/everyone-else.ts';
import type { KeptRules } from './profiles/kept-variations.ts';

export interface OdpProject {
  /** Origin and maybe a path; without a slash at its end. */
  readonly host: string;
  readonly apiKey: string;
  /** The segments that audiences ask about, sorted. */
  readonly segments: readonly string[];
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

/** Of a datafile that makeLoadable() has seen. Each is read when it is first asked for: a swap must not wait for what few requests need. */
export class ProjectTraits {
  readonly #project: DatafileJson;
  #odp: OdpProject | null | undefined = undefined;
  #predicted: PredictedRules | null | undefined = undefined;
  #everyoneElse: EveryoneElse | undefined = undefined;
  #holdouts: ReadonlySet<string> | undefined = undefined;

  constructor(datafile: unknown) {
    this.#project = datafile as DatafileJson;
  }

  /** Null where the project has no Data Platform. */
  get odp(): OdpProject | null {
    if (this.#odp === undefined) this.#odp = readOdp(this.#project);
    return this.#odp;
  }

  /** Null where no rule asks for a prediction. */
  get predicted(): PredictedRules | null {
    if (this.#predicted === undefined) this.#predicted = readPredicted(this.#project);
    return this.#predicted;
  }

  get everyoneElse(): EveryoneElse {
    this.#everyoneElse ??= readEveryoneElse(this.#project);
    return this.#everyoneElse;
  }

  /** Keys of the project's holdouts. */
  get holdouts(): ReadonlySet<string> {
    const { holdouts = [], localHoldouts = [] } = this.#project;
    this.#holdouts ??= new Set([...holdouts, ...localHoldouts].map(({ key }) => key));
    return this.#holdouts;
  }
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

function readEveryoneElse({ rollouts, featureFlags }: DatafileJson): EveryoneElse {
  const keysOf = new Map<string, ReadonlySet<string>>();
  for (const { id, experiments } of rollouts ?? []) {
    keysOf.set(id, everyoneElseAmong(experiments ?? []));
  }
  const byFlag = new Map<string, ReadonlySet<string>>();
  for (const { key, rolloutId } of featureFlags ?? []) {
    const keys = keysOf.get(rolloutId ?? '');
    if (keys !== undefined && keys.size > 0) byFlag.set(key, keys);
  }
  return byFlag;
}
