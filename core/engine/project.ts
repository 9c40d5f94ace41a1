// A datafile's parts by their ids, with the precedence that the Optimizely SDK gives to repeated ones: the last wins. Reads
// the object that the SDK has built on, so it takes audiences parsed or as text. Pure.

import { treeTest } from './conditions.ts';
import { type Condition, type Test, testOf } from './match.ts';

export interface Variation {
  readonly id: string;
  readonly key: string;
}

export interface Allocation {
  readonly entityId: string;
  /** The first bucket that is not in it. */
  readonly endOfRange: number;
}

export interface Rule {
  readonly id: string;
  readonly key: string;
  readonly status?: unknown;
  readonly type?: unknown;
  readonly cmab?: unknown;
  readonly variations?: readonly Variation[];
  readonly trafficAllocation: readonly Allocation[];
  readonly forcedVariations?: Readonly<Record<string, string>>;
  readonly audienceConditions?: unknown;
  readonly audienceIds?: unknown;
}

export interface Group {
  readonly id: string;
  readonly policy?: unknown;
  readonly trafficAllocation: readonly Allocation[];
  readonly experiments?: readonly Rule[];
}

export interface Flag {
  readonly key: string;
  readonly rolloutId?: string;
  readonly experimentIds: readonly string[];
}

interface Rollout {
  readonly id: string;
  readonly experiments: readonly Rule[];
}

interface Audience {
  readonly id: string;
  readonly conditions: unknown;
}

/** The fields of a datafile that decisions depend on. */
export interface Datafile {
  readonly featureFlags?: readonly Flag[];
  readonly experiments?: readonly Rule[];
  readonly groups?: readonly Group[];
  readonly rollouts?: readonly Rollout[];
  readonly audiences?: readonly Audience[];
  readonly typedAudiences?: readonly Audience[];
  readonly attributes?: readonly { readonly id: unknown; readonly key: string }[];
  readonly botFiltering?: unknown;
  readonly holdouts?: readonly unknown[];
  readonly localHoldouts?: readonly unknown[];
}

const everybody: Test = () => true;
const nobody: Test = () => null;

export class Project {
  readonly ruleById = new Map<string, Rule>();
  readonly ruleByKey = new Map<string, Rule>();
  readonly variationById = new Map<string, Variation>();
  readonly groupOfRule = new Map<string, Group>();
  readonly rolloutById = new Map<string, Rollout>();
  readonly #audiences = new Map<string, Audience>();
  readonly #tests = new Map<string, Test>();

  constructor(datafile: Datafile) {
    const { experiments = [], groups = [], rollouts = [], audiences = [], typedAudiences = [] } = datafile;
    for (const audience of [...audiences, ...typedAudiences])
      this.#audiences.set(String(audience.id), audience);
    for (const rollout of rollouts) this.rolloutById.set(String(rollout.id), rollout);
    const all = [...experiments];
    for (const group of groups)
      for (const rule of group.experiments ?? []) {
        this.groupOfRule.set(String(rule.id), group);
        all.push(rule);
      }
    for (const rollout of rollouts) all.push(...rollout.experiments);
    for (const rule of all) {
      this.ruleById.set(String(rule.id), rule);
      this.ruleByKey.set(rule.key, rule);
      for (const variation of rule.variations ?? []) this.variationById.set(String(variation.id), variation);
    }
  }

  /**
   * Whether a user is in a rule's audience; "cannot be told" is no.
   * @throws TypeError, SyntaxError for conditions that cannot be read
   */
  audienceTest({ audienceConditions, audienceIds }: Rule): Test {
    const conditions = audienceConditions || audienceIds;
    if (!conditions || (conditions as { length?: unknown }).length === 0) return everybody;
    return treeTest(conditions, (id) => this.#audienceTest(String(id)));
  }

  #audienceTest(id: string): Test {
    const known = this.#tests.get(id);
    if (known !== undefined) return known;
    const audience = this.#audiences.get(id);
    const test = audience === undefined ? nobody : treeTest(parsed(audience.conditions), conditionTest);
    this.#tests.set(id, test);
    return test;
  }
}

const parsed = (conditions: unknown): unknown =>
  typeof conditions === 'string' ? JSON.parse(conditions) : conditions;

const conditionTest = (condition: unknown): Test => testOf(condition as Condition);
