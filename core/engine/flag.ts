// One flag, compiled: for a user, the outcome. The same steps in the same order as the Optimizely SDK's (6.6.1,
// decision_service), without its reasons, logs and copies. Pure.

import type { Flag, Variation } from '../datafile/shape.ts';
import type { HeldOut, Holdouts } from './holdouts.ts';
import { Outcome } from './outcome.ts';
import { expectKnown } from './project/known-fields.ts';
import type { Project } from './project/project.ts';
import { nameOf } from './refusal.ts';
import {
  compileDelivery,
  compileExperiment,
  type Delivery,
  decideDelivery,
  decideExperiment,
  type Experiment,
  LOST,
} from './rule.ts';
import { expectReadableVariables } from './said/values.ts';
import { type User, WHOLE_FLAG } from './user.ts';

export class CompiledFlag {
  readonly flag: Flag;
  /** No rule has anything for the user. */
  readonly nothing = new Outcome(null, null, 'rollout');
  readonly #project: Project;
  /** Null where none holds for every flag. */
  readonly #holdouts: Holdouts | null;
  readonly #experiments: readonly Experiment[];
  readonly #deliveries: readonly Delivery[];
  readonly #heldOut = new Map<HeldOut, Outcome>();
  readonly #beside = new Map<HeldOut, Map<Outcome, Outcome>>();
  /** Of the flag as a whole. */
  readonly #forced = new Map<Variation, Outcome>();
  #variations: readonly Variation[] | null = null;
  readonly #heldOutcome = (heldOut: HeldOut): Outcome => this.#outcomeOfHoldout(heldOut);

  /** @throws Refusal, TypeError, SyntaxError for a flag that is left to the SDK */
  constructor(flag: Flag, project: Project, holdouts: Holdouts) {
    this.flag = flag;
    this.#project = project;
    this.#holdouts = holdouts.hasGlobal ? holdouts : null;
    expectKnown(flag, 'flag');
    nameOf(flag.key, 'the key of a flag');
    expectReadableVariables(flag);
    const context = { flag, project, holdouts, flagVariation: (key: string) => this.#variation(key) };
    this.#experiments = flag.experimentIds
      .flatMap((id) => project.ruleById.get(nameOf(id, `an experiment of flag "${flag.key}"`)) ?? [])
      .map((rule) => compileExperiment(rule, context));
    const rollout = project.rolloutById.get(flag.rolloutId ? nameOf(flag.rolloutId, 'a rollout') : '');
    if (rollout !== undefined) expectKnown(rollout, 'rollout');
    this.#deliveries = (rollout?.experiments ?? []).map((rule) => compileDelivery(rule, project, holdouts));
  }

  decide(user: User): Outcome {
    const forced = user.forced?.get(this.flag.key) ?? null;
    if (forced !== null) {
      const variation = this.#forcedVariation(forced, WHOLE_FLAG);
      if (variation !== null) return this.#outcomeOfFlag(variation);
    }
    const heldOut = this.#holdouts === null ? null : user.heldOutBy(this.#holdouts);
    if (heldOut === null) return this.#byExperiments(user, forced) ?? this.#byDeliveries(user, forced);
    if (!heldOut.keepsDeliveries) return this.#outcomeOfHoldout(heldOut);
    return this.#besideHoldout(this.#byDeliveries(user, forced), heldOut);
  }

  #byExperiments(user: User, forced: ReadonlyMap<string, string> | null): Outcome | null {
    for (const rule of this.#experiments) {
      const forcedKey = forced === null ? null : (this.#forcedVariation(forced, rule.key)?.key ?? null);
      const found = decideExperiment(rule, user, this.#heldOutcome, forcedKey);
      if (found !== null) return found === LOST ? null : found;
    }
    return null;
  }

  #byDeliveries(user: User, forced: ReadonlyMap<string, string> | null): Outcome {
    const rules = this.#deliveries;
    const last = rules.length - 1;
    for (let i = 0; i <= last; i++) {
      const rule = rules[i] as Delivery;
      const variation = forced === null ? null : this.#forcedVariation(forced, rule.key);
      const found = decideDelivery(rule, user, this.#heldOutcome, variation);
      if (typeof found !== 'boolean') return found;
      // A user who is in the audience but not in its traffic is left to the last rule, which is for everyone else.
      if (found && i < last) i = last - 1;
    }
    return this.nothing;
  }

  /** Of those that the flag's rules have; what is forced and not among them has no effect. */
  #forcedVariation(forced: ReadonlyMap<string, string>, ruleKey: string): Variation | null {
    const key = forced.get(ruleKey);
    return key === undefined ? null : this.#variation(key);
  }

  #variation(key: string): Variation | null {
    this.#variations ??= variationsOf(this.flag, this.#project);
    return this.#variations.find((variation) => variation.key === key) ?? null;
  }

  #outcomeOfFlag(variation: Variation): Outcome {
    return getOrMake(this.#forced, variation, () => new Outcome(null, variation, 'feature-test'));
  }

  #outcomeOfHoldout(heldOut: HeldOut): Outcome {
    const make = () => new Outcome(heldOut.holdout, heldOut.variation, 'holdout');
    return getOrMake(this.#heldOut, heldOut, make);
  }

  #besideHoldout(delivered: Outcome, heldOut: HeldOut): Outcome {
    const { rule, variation, source } = delivered;
    const outcomes = getOrMake(this.#beside, heldOut, () => new Map<Outcome, Outcome>());
    return getOrMake(outcomes, delivered, () => new Outcome(rule, variation, source, heldOut));
  }
}

/** Each id once, in the order of the rules: of several with one key the first is meant, as by Optimizely's Agent. */
function variationsOf(flag: Flag, project: Project): readonly Variation[] {
  const experiments = flag.experimentIds.flatMap((id) => project.ruleById.get(id) ?? []);
  const deliveries = project.rolloutById.get(flag.rolloutId ?? '')?.experiments ?? [];
  const byId = new Map<string, Variation>();
  // What the SDK mixes into an experiment has its place among those of the last delivery rule.
  for (const { variations } of [...experiments, ...deliveries])
    for (const variation of variations) if (!byId.has(variation.id)) byId.set(variation.id, variation);
  return [...byId.values()];
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
