// Holdouts: a share of all users for whom nothing is tested. Global ones hold for every flag and are asked before its rules, local ones for
// the rules that they name and are asked before each of these. Pure.

import type { Holdout, Variation } from '../datafile/shape.ts';
import { expectKnown } from './project/known-fields.ts';
import type { Project } from './project/project.ts';
import { nameOf } from './refusal.ts';
import { type Drawing, drawingOf, drawn, type RuleUser } from './shares.ts';

const RUNNING = 'Running';

/** What a user gets who is held out. One object for each holdout and variation, so that it can be a key. */
export interface HeldOut {
  readonly holdout: Holdout;
  readonly variation: Variation;
  /** Whether delivery rules are decided all the same. */
  readonly keepsDeliveries: boolean;
}

type CompiledHoldout = Drawing<HeldOut>;

export class Holdouts {
  readonly #global: readonly CompiledHoldout[];
  readonly #byRule = new Map<string, CompiledHoldout[]>();

  /** @throws Refusal for one that cannot be read: as a global one it is every flag's */
  constructor(project: Project) {
    const compiled = ({ holdouts }: { readonly holdouts: readonly Holdout[] }) =>
      holdouts.filter(({ status }) => status === RUNNING).map((holdout) => compile(holdout, project));
    this.#global = compiled(project);
    for (const holdout of project.localHoldouts) {
      if (holdout.status !== RUNNING) continue;
      const one = compile(holdout, project);
      for (const ruleId of holdout.includedRules ?? []) {
        const others = this.#byRule.get(ruleId);
        if (others === undefined) this.#byRule.set(ruleId, [one]);
        else others.push(one);
      }
    }
  }

  get hasGlobal(): boolean {
    return this.#global.length > 0;
  }

  globalFor(user: RuleUser): HeldOut | null {
    return firstOf(this.#global, user);
  }

  /** Those of one rule; null where there are none. */
  ofRule(ruleId: string): readonly CompiledHoldout[] | null {
    return this.#byRule.get(ruleId) ?? null;
  }
}

export function firstOf(holdouts: readonly CompiledHoldout[], user: RuleUser): HeldOut | null {
  for (const holdout of holdouts) {
    const heldOut = holdout.admits(user) ? drawn(holdout, user) : null;
    if (heldOut !== null) return heldOut;
  }
  return null;
}

function compile(holdout: Holdout, project: Project): CompiledHoldout {
  expectKnown(holdout, 'holdout');
  for (const id of holdout.includedRules ?? []) nameOf(id, `a rule of holdout "${holdout.key}"`);
  const byVariation = new Map<Variation, HeldOut>();
  return drawingOf(holdout, project, (variation) => {
    const heldOut = byVariation.get(variation) ?? {
      holdout,
      variation,
      keepsDeliveries: Boolean(holdout.excludeTargetedDeliveries),
    };
    byVariation.set(variation, heldOut);
    return heldOut;
  });
}
