// Notes what is left out of a datafile, and finds in the end which flags each part concerns. Pure.

import { flagsNamed, LEFT_OUT_MAX, type LeftOut } from './left-out.ts';

/** An object as parsed from JSON. */
export type Fields = Record<string, unknown>;

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An id or a key. Optimizely writes texts; the SDK takes numbers as well. */
export const isName = (value: unknown): value is string | number =>
  typeof value === 'string' || typeof value === 'number';

/** The owner of a part; null for the whole project. */
export type Owner =
  | { readonly flagKey: string }
  | { readonly rule: Fields }
  | { readonly audienceId: unknown };

interface Note {
  readonly owner: Owner | null;
  readonly what: string;
  readonly why: string;
}

export class Notes {
  readonly #datafile: Fields;
  readonly #notes: Note[] = [];

  constructor(datafile: Fields) {
    this.#datafile = datafile;
  }

  add(owner: Owner | null, what: string, why: string): void {
    if (this.#notes.length < LEFT_OUT_MAX) this.#notes.push({ owner, what, why });
  }

  /** Notes it; returns false, for filters that keep the parts which are not left out. */
  drop(owner: Owner | null, what: string, why: string): false {
    this.add(owner, what, why);
    return false;
  }

  /** The parts left out of a datafile that is loadable by now. */
  parts(): readonly LeftOut[] {
    if (this.#notes.length === 0) return [];
    const flags = flagsWithRules(this.#datafile);
    return this.#notes.map(({ owner, what, why }) => ({ what, why, flagKeys: flagsOf(owner, flags) }));
  }
}

interface FlagWithRules {
  readonly key: string;
  readonly rules: ReadonlySet<Fields>;
  /** All audiences that its rules name, as JSON. */
  readonly audiences: string;
}

function flagsWithRules(datafile: Fields): readonly FlagWithRules[] {
  const list = (owner: Fields | undefined, name: string) => (owner?.[name] ?? []) as readonly Fields[];
  const experiments = [
    ...list(datafile, 'experiments'),
    ...list(datafile, 'groups').flatMap((group) => list(group, 'experiments')),
  ];
  const byId = new Map<string, Fields>(experiments.map((rule) => [String(rule.id), rule]));
  const rollouts = new Map(list(datafile, 'rollouts').map((rollout) => [String(rollout.id), rollout]));
  return list(datafile, 'featureFlags').map((flag) => {
    const ids = flag.experimentIds as readonly unknown[];
    const own = ids.map((id) => byId.get(String(id))).filter((rule) => rule !== undefined);
    const rules = new Set<Fields>([...own, ...list(rollouts.get(String(flag.rolloutId)), 'experiments')]);
    const audiences = Array.from(rules, (rule) => [rule.audienceConditions, rule.audienceIds]);
    return { key: String(flag.key), rules, audiences: JSON.stringify(audiences) };
  });
}

function flagsOf(owner: Owner | null, flags: readonly FlagWithRules[]): readonly string[] {
  if (owner === null) return [];
  if ('flagKey' in owner) return flagsNamed([owner.flagKey]);
  const isConcerned = (flag: FlagWithRules) =>
    'rule' in owner
      ? flag.rules.has(owner.rule)
      : flag.audiences.includes(JSON.stringify(String(owner.audienceId)));
  return flagsNamed(flags.filter(isConcerned).map(({ key }) => key));
}
