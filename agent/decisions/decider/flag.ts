// One flag's rules, compiled: for a user, the outcome. The same steps as the Optimizely SDK's, without its reasons, logs and
// copies. Pure.

import { bucketOf } from './bucket.ts';
import type { Attributes, Test } from './match.ts';
import { Outcome } from './outcome.ts';
import type { Allocation, Flag, Group, Project, Rule } from './project.ts';

export interface DecidedUser {
  readonly userId: string;
  /** What is hashed in place of the user id. */
  readonly bucketingId: string;
  readonly attributes: Attributes;
}

/** A part of the traffic and what it comes to; null: nothing. */
interface Share {
  readonly endOfRange: number;
  readonly outcome: Outcome | null;
}

interface CompiledRule {
  readonly id: string;
  readonly admits: Test;
  readonly shares: readonly Share[];
  /** Of experiments that exclude each other; null for one that stands alone. */
  readonly group: Group | null;
  /** User id → outcome; null where none is listed. */
  readonly listed: ReadonlyMap<string, Outcome> | null;
}

/** The kind of experiment into which the SDK mixes another rule's variation. */
export const MIXED_TYPE = 'fr';

export class CompiledFlag {
  readonly key: string;
  /** No rule has anything for the user. */
  readonly nothing = new Outcome(null, null);
  readonly #experiments: readonly CompiledRule[];
  readonly #deliveries: readonly CompiledRule[];

  /** @throws Unsupported, TypeError, SyntaxError for a flag that is left to the SDK */
  constructor(flag: Flag, project: Project) {
    this.key = flag.key;
    const experiments = flag.experimentIds.flatMap((id) => project.ruleById.get(String(id)) ?? []);
    this.#experiments = experiments
      .filter((rule) => project.ruleByKey.get(rule.key)?.status === 'Running')
      .map((rule) => compileExperiment(rule, project));
    const rollout = project.rolloutById.get(String(flag.rolloutId ?? ''));
    this.#deliveries = (rollout?.experiments ?? []).map((rule) => compileDelivery(rule, project));
  }

  decide(user: DecidedUser): Outcome {
    for (const rule of this.#experiments) {
      const outcome =
        rule.listed?.get(user.userId) ?? (rule.admits(user.attributes) ? drawn(rule, user) : null);
      if (outcome !== null) return outcome;
    }
    const rules = this.#deliveries;
    const last = rules.length - 1;
    for (let i = 0; i <= last; i++) {
      const rule = rules[i] as CompiledRule;
      if (!rule.admits(user.attributes)) continue;
      const outcome = drawn(rule, user);
      if (outcome !== null) return outcome;
      // Who is in the audience but not in its traffic is left to the last rule, which is for everyone else.
      if (i < last) i = last - 1;
    }
    return this.nothing;
  }
}

function drawn({ id, group, shares }: CompiledRule, { bucketingId }: DecidedUser): Outcome | null {
  if (group !== null && entityAt(bucketOf(bucketingId + group.id), group.trafficAllocation) !== id)
    return null;
  const bucket = bucketOf(bucketingId + id);
  for (const share of shares) if (bucket < share.endOfRange) return share.outcome;
  return null;
}

function entityAt(bucket: number, allocations: readonly Allocation[]): string | null {
  for (const { endOfRange, entityId } of allocations) if (bucket < endOfRange) return entityId;
  return null;
}

/** An experiment knows its variations by key: what a bucket gives is looked up there. */
function compileExperiment(rule: Rule, project: Project): CompiledRule {
  const own = new Map((rule.variations ?? []).map((variation) => [variation.key, variation]));
  if (own.has('')) throw new Unsupported(`${rule.key} has a variation without a key`);
  const outcomes = new Map([...own.keys()].map((key) => [key, new Outcome(rule.key, key)]));
  const listed = new Map<string, Outcome>();
  for (const [userId, key] of Object.entries(rule.forcedVariations ?? {})) {
    const outcome = outcomes.get(key);
    if (outcome !== undefined) listed.set(userId, outcome);
  }
  const outcomeOf = (entityId: string): Outcome | null => {
    const variation = project.variationById.get(String(entityId));
    if (variation === undefined || entityId === '' || variation.key === '') return null;
    const outcome = outcomes.get(variation.key);
    if (outcome === undefined) throw new Unsupported(`${rule.key} gives a variation of another rule`);
    return outcome;
  };
  return { ...compile(rule, project, outcomeOf), listed: listed.size === 0 ? null : listed };
}

function compileDelivery(rule: Rule, project: Project): CompiledRule {
  const serving = project.ruleById.get(String(rule.id)) as Rule;
  const outcomes = new Map<string, Outcome>();
  const outcomeOf = (entityId: string): Outcome | null => {
    const variation = project.variationById.get(String(entityId));
    if (variation === undefined || entityId === '') return null;
    const outcome = outcomes.get(entityId) ?? new Outcome(serving.key, variation.key);
    outcomes.set(entityId, outcome);
    return outcome;
  };
  return { ...compile(rule, project, outcomeOf), listed: null };
}

function compile(
  rule: Rule,
  project: Project,
  outcomeOf: (entityId: string) => Outcome | null,
): Omit<CompiledRule, 'listed'> {
  if (rule.cmab) throw new Unsupported(`${rule.key} asks for a prediction`);
  if (rule.type === MIXED_TYPE) throw new Unsupported(`${rule.key} is of type ${MIXED_TYPE}`);
  const group = project.groupOfRule.get(String(rule.id));
  // Read here, so that one that cannot be is left to the SDK and does not throw amid a decision.
  const drawnBy = group?.policy === 'random' ? { ...group, trafficAllocation: readable(group) } : null;
  return {
    id: rule.id,
    admits: project.audienceTest(rule),
    shares: rule.trafficAllocation.map(({ entityId, endOfRange }) => {
      return { endOfRange, outcome: outcomeOf(entityId) };
    }),
    group: drawnBy,
  };
}

/** @throws TypeError for one that is no list of allocations */
const readable = ({ trafficAllocation }: Group): readonly Allocation[] =>
  trafficAllocation.map(({ entityId, endOfRange }) => ({ entityId, endOfRange }));

/** Not wrong, but left to the SDK. */
class Unsupported extends Error {}
