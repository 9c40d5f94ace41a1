// Holdouts: a share of all users for whom nothing is tested. Global ones hold for every flag and are asked before its rules, local ones for
// the rules that they name and are asked before each of these. Pure.

import type { Holdout, Variation } from '../datafile/shape.ts';
import { expectKnown } from './project/known-fields.ts';
import type { Project } from './project/project.ts';
import { nameOf, Refusal, refusalOf } from './refusal.ts';
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
  readonly #byRule = new Map<string, CompiledHoldout[] | Refusal>();

  /** @throws Refusal for a global one that cannot be read: it is every flag's */
  constructor(project: Project) {
    const isRunning = ({ status }: Holdout) => status === RUNNING;
    this.#global = project.holdouts.filter(isRunning).map((holdout) => compile(holdout, project));
    for (const holdout of project.localHoldouts.filter(isRunning)) this.#addLocal(holdout, project);
  }

  get hasGlobal(): boolean {
    return this.#global.length > 0;
  }

  globalFor(user: RuleUser): HeldOut | null {
    return firstOf(this.#global, user);
  }

  /** Those of one rule; null where there are none. @throws Refusal for one that cannot be read */
  ofRule(ruleId: string): readonly CompiledHoldout[] | null {
    const own = this.#byRule.get(ruleId) ?? null;
    if (own instanceof Refusal) throw own;
    return own;
  }

  #addLocal(holdout: Holdout, project: Project): void {
    const compiled = compiledOrRefused(holdout, project);
    for (const ruleId of holdout.includedRules ?? []) {
      const others = this.#byRule.get(String(ruleId));
      if (compiled instanceof Refusal) this.#byRule.set(String(ruleId), compiled);
      else if (others === undefined) this.#byRule.set(String(ruleId), [compiled]);
      else if (!(others instanceof Refusal)) others.push(compiled);
    }
  }
}

function compiledOrRefused(holdout: Holdout, project: Project): CompiledHoldout | Refusal {
  try {
    return compile(holdout, project);
  } catch (error) {
    return refusalOf(error);
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
