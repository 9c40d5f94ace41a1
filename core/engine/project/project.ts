// A datafile's parts by their ids, with the precedence that the Optimizely SDK gives to repeated ones: the last wins. Audiences may be
// parsed or texts. Pure.

import type {
  Audience,
  DatafileJson,
  Flag,
  Group,
  Holdout,
  Rollout,
  Rule,
  Usage,
  Variation,
} from '../../datafile/shape.ts';
import { treeTest } from '../audience/conditions.ts';
import { type Condition, type Test, testOf } from '../audience/match.ts';
import { nameOf, Refusal } from '../refusal.ts';
import { expectKnown } from './known-fields.ts';

const everyUser: Test = () => true;
const noUser: Test = () => null;
/** Draws one of the experiments that exclude each other. */
const EXCLUSIVE = 'random';

export class Project {
  readonly flags: readonly Flag[];
  readonly rollouts: readonly Rollout[];
  readonly holdouts: readonly Holdout[];
  readonly localHoldouts: readonly Holdout[];
  readonly sendsDeliveries: boolean;
  /** Of experiments, those in groups, and delivery rules. */
  readonly ruleById = new Map<string, Rule>();
  readonly ruleByKey = new Map<string, Rule>();
  /** Without delivery rules. */
  readonly experimentById = new Map<string, Rule>();
  /** Those of holdouts too. */
  readonly variationById = new Map<string, Variation>();
  readonly #rolloutById = new Map<string, Rollout>();
  readonly #groupById = new Map<string, Group>();
  readonly #groupIdOf = new Map<Rule, string>();
  /** By variation id, of rules alone: those of holdouts have no values of their own. */
  readonly #usages = new Map<string, readonly Usage[]>();
  readonly #audiences = new Map<string, Audience>();
  readonly #tests = new Map<string, Test>();

  constructor(datafile: DatafileJson) {
    const { experiments = [], groups = [], rollouts = [], audiences = [], typedAudiences = [] } = datafile;
    this.flags = datafile.featureFlags ?? [];
    this.rollouts = rollouts;
    this.holdouts = datafile.holdouts ?? [];
    this.localHoldouts = datafile.localHoldouts ?? [];
    this.sendsDeliveries = Boolean(datafile.sendFlagDecisions);
    for (const audience of audiences) this.#audiences.set(String(audience.id), audience);
    for (const audience of typedAudiences) this.#audiences.set(String(audience.id), audience);
    for (const rule of experiments) this.#addExperiment(rule);
    for (const group of groups) {
      this.#groupById.set(String(group.id), group);
      for (const rule of group.experiments ?? []) {
        this.#groupIdOf.set(rule, String(group.id));
        this.#addExperiment(rule);
      }
    }
    for (const rollout of rollouts) {
      this.#rolloutById.set(String(rollout.id), rollout);
      for (const rule of rollout.experiments) this.#addRule(rule);
    }
    for (const { variations } of [...this.holdouts, ...this.localHoldouts])
      for (const variation of variations) this.variationById.set(String(variation.id), variation);
  }

  /** Of a flag; null where it names none. @throws Refusal */
  rolloutOf({ key, rolloutId = '' }: Flag): Rollout | null {
    const rollout = this.#rolloutById.get(String(rolloutId)) ?? null;
    // The SDK decides nothing by one that has lost its id, but takes its variations for the flag's.
    if (rollout !== null && !rolloutId)
      throw new Refusal('unknown', `the rollout of flag "${key}" has no id`);
    return rollout;
  }

  /** @param variationId what a bucket names @returns undefined where it is none */
  drawnVariation(variationId: unknown): Variation | undefined {
    if (!variationId) return undefined;
    return this.variationById.get(nameOf(variationId, 'what a bucket gives'));
  }

  /** The values that a variation gives to variables; null where it is none of a rule. */
  usagesOf(variationId: string): readonly Usage[] | null {
    return this.#usages.get(variationId) ?? null;
  }

  /** The group by which the rule of that id is drawn; null where it stands alone. @throws Refusal */
  exclusiveGroup(ruleId: string): Group | null {
    const rule = this.ruleById.get(ruleId);
    if (rule === undefined) return null;
    const groupId = this.#groupIdOf.get(rule);
    if (groupId === undefined && rule.groupId) throw new Refusal('odd', `rule "${rule.key}" names a group`);
    const group = groupId ? this.#groupById.get(groupId) : undefined;
    if (group === undefined) return null;
    expectKnown(group, 'group');
    nameOf(group.id, 'the id of a group');
    if (group.policy !== EXCLUSIVE) return null;
    // Read here, so that one that cannot be is left to the SDK and does not throw amid a decision.
    for (const share of group.trafficAllocation) expectKnown(share, 'share');
    return group;
  }

  /**
   * Whether a user is in a rule's audience; "cannot be told" is no.
   * @throws Refusal, TypeError, SyntaxError for conditions that cannot be read
   */
  audienceTest({ audienceConditions, audienceIds }: Rule): Test {
    const conditions = audienceConditions || audienceIds;
    if (!conditions || (conditions as { length?: unknown }).length === 0) return everyUser;
    return treeTest(conditions, (id) => this.#audienceTest(nameOf(id, 'an audience of a rule')));
  }

  #audienceTest(id: string): Test {
    const known = this.#tests.get(id);
    if (known !== undefined) return known;
    const audience = this.#audiences.get(id);
    if (audience !== undefined) expectKnown(audience, 'audience');
    const test = audience === undefined ? noUser : treeTest(parsed(audience.conditions), conditionTest);
    this.#tests.set(id, test);
    return test;
  }

  #addExperiment(rule: Rule): void {
    this.experimentById.set(String(rule.id), rule);
    this.#addRule(rule);
  }

  #addRule(rule: Rule): void {
    this.ruleById.set(String(rule.id), rule);
    this.ruleByKey.set(String(rule.key), rule);
    for (const variation of rule.variations) {
      this.variationById.set(String(variation.id), variation);
      if (variation.variables) this.#usages.set(String(variation.id), variation.variables);
    }
  }
}

const parsed = (conditions: unknown): unknown =>
  typeof conditions === 'string' ? JSON.parse(conditions) : conditions;

const conditionTest = (condition: unknown): Test => testOf(condition as Condition);
