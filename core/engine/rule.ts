// A flag's rules, compiled: experiments, which may keep users where they were, and delivery rules. Pure.

import type { Flag, Rule, Variation } from '../datafile/shape.ts';
import { firstOf, type HeldOut, type Holdouts } from './holdouts.ts';
import { Outcome } from './outcome.ts';
import { expectKnown } from './project/known-fields.ts';
import { mixed } from './project/mixed.ts';
import type { Project } from './project/project.ts';
import { nameOf, Refusal } from './refusal.ts';
import { type Drawing, drawingOf, drawn } from './shares.ts';
import type { User } from './user.ts';

const RUNNING = 'Running';

/**
 * No experiment is asked any more, and delivery rules are: a variation was found whose key neither the experiment nor its flag
 * has. The SDK stops there.
 */
export const LOST = new Outcome(null, null, 'feature-test');

/** What a rule has for a user; null: nothing, the next one is asked. */
type Found = Outcome | null;

interface DrawnVariation {
  readonly variation: Variation;
  readonly found: Found;
}

export interface Experiment {
  readonly key: string;
  readonly isRunning: boolean;
  /** Null where it has none. */
  readonly holdouts: ReturnType<Holdouts['ofRule']>;
  /** By variation key. */
  readonly outcomeOf: (variationKey: string) => Found;
  /** By id; undefined where the project has no such variation. */
  readonly variationOf: (variationId: string) => Variation | undefined;
  /** By user id; null where none is listed. */
  readonly listed: ReadonlyMap<string, Found> | null;
  /** Where a tester's override of this experiment is kept. */
  readonly overrideId: string;
  readonly ownVariationIds: ReadonlySet<string>;
  readonly drawing: Drawing<DrawnVariation>;
}

/** As much of a flag as an experiment falls back on. */
export interface ExperimentContext {
  readonly flag: Flag;
  readonly project: Project;
  readonly holdouts: Holdouts;
  /** The first variation of the flag with that key; null where it has none. */
  readonly flagVariation: (key: string) => Variation | null;
}

/** @throws Refusal, TypeError, SyntaxError where the SDK must decide */
export function compileExperiment(given: Rule, context: ExperimentContext): Experiment {
  const { flag, project, holdouts, flagVariation } = context;
  expectKnown(given, 'rule');
  const rule = mixed(given, flag, project);
  if (project.experimentById.get(rule.id) !== given)
    throw new Refusal('unknown', `several rules have the id "${rule.id}"`);
  const own = new Map(rule.variations.map((variation) => [variation.key, variation]));
  const outcomes = new Map<string, Found>();
  const outcomeOf = (key: string): Found => {
    const known = outcomes.get(key);
    if (known !== undefined) return known;
    const variation = own.get(key) ?? flagVariation(key);
    const found =
      key === '' ? null : variation === null ? LOST : new Outcome(given, variation, 'feature-test');
    // An override may have any key; the keys of a datafile have an end.
    if (found !== LOST) outcomes.set(key, found);
    return found;
  };
  const byKey = project.ruleByKey.get(rule.key) as Rule;
  return {
    key: rule.key,
    isRunning: byKey.status === RUNNING,
    holdouts: holdouts.ofRule(rule.id),
    outcomeOf,
    variationOf: (id) => project.variationById.get(id),
    listed: listedUsers(rule, own, outcomeOf),
    overrideId: byKey.id,
    ownVariationIds: new Set(rule.variations.map(({ id }) => id)),
    drawing: drawingOf(rule, project, (variation) => ({ variation, found: outcomeOf(variation.key) })),
  };
}

function listedUsers(
  { key, forcedVariations = {} }: Rule,
  own: ReadonlyMap<string, Variation>,
  outcomeOf: (variationKey: string) => Found,
): ReadonlyMap<string, Found> | null {
  const listed = new Map<string, Found>();
  for (const [userId, variationKey] of Object.entries(forcedVariations)) {
    if (typeof variationKey !== 'string') throw new Refusal('unknown', `rule "${key}" lists no variation`);
    if (own.has(variationKey)) listed.set(userId, outcomeOf(variationKey));
  }
  return listed.size === 0 ? null : listed;
}

/** @param heldOutcome what a user gets who is held out @param forcedKey the variation that is forced for this rule, of those that the flag has */
export function decideExperiment(
  rule: Experiment,
  user: User,
  heldOutcome: (heldOut: HeldOut) => Outcome,
  forcedKey: string | null,
): Found {
  if (forcedKey !== null) return rule.outcomeOf(forcedKey);
  if (rule.holdouts !== null) {
    const heldOut = firstOf(rule.holdouts, user);
    if (heldOut !== null) return heldOutcome(heldOut);
  }
  if (!rule.isRunning) return null;
  const overridden = user.overrides?.get(rule.overrideId);
  if (overridden !== undefined) {
    const key = rule.variationOf(overridden)?.key;
    if (key) return rule.outcomeOf(key);
  }
  const listed = rule.listed?.get(user.userId);
  if (listed !== undefined) return listed;
  const id = rule.drawing.id;
  if (user.profile !== null) {
    const keptId = user.kept(id);
    const kept =
      keptId !== undefined && rule.ownVariationIds.has(keptId) ? rule.variationOf(keptId) : undefined;
    if (kept !== undefined) return rule.outcomeOf(kept.key);
  }
  const found = rule.drawing.admits(user) ? drawn(rule.drawing, user) : null;
  if (found === null) return null;
  if (user.profile !== null) user.keep(id, found.variation.id);
  return found.found;
}

export interface Delivery {
  readonly key: string;
  readonly holdouts: ReturnType<Holdouts['ofRule']>;
  readonly outcomeOf: (variation: Variation) => Outcome;
  readonly drawing: Drawing<Outcome>;
}

/** @throws Refusal, TypeError, SyntaxError where the SDK must decide */
export function compileDelivery(rule: Rule, project: Project, holdouts: Holdouts): Delivery {
  expectKnown(rule, 'rule');
  nameOf(rule.id, `the id of rule "${rule.key}"`);
  const serving = project.ruleById.get(rule.id) as Rule;
  nameOf(serving.key, `the key of rule "${rule.id}"`);
  const outcomes = new Map<Variation, Outcome>();
  const outcomeOf = (variation: Variation): Outcome => {
    const outcome = outcomes.get(variation) ?? new Outcome(serving, variation, 'rollout');
    outcomes.set(variation, outcome);
    return outcome;
  };
  return {
    ...{ key: rule.key, holdouts: holdouts.ofRule(rule.id), outcomeOf },
    drawing: drawingOf(rule, project, outcomeOf),
  };
}

/** True in place of an outcome: the user is in the audience, and not in its traffic. */
export function decideDelivery(
  rule: Delivery,
  user: User,
  heldOutcome: (heldOut: HeldOut) => Outcome,
  forced: Variation | null,
): Outcome | boolean {
  if (forced !== null) return rule.outcomeOf(forced);
  if (rule.holdouts !== null) {
    const heldOut = firstOf(rule.holdouts, user);
    if (heldOut !== null) return heldOutcome(heldOut);
  }
  return rule.drawing.admits(user) === true ? (drawn(rule.drawing, user) ?? true) : false;
}
