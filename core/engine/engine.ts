// Decides the flags of one revision. What it does not know it refuses, flag by flag, and the Optimizely SDK decides. Knows
// nothing of HTTP, and neither asks nor tells anything outside. Pure.

import type { DatafileJson, Flag } from '../datafile/shape.ts';
import { CompiledFlag } from './flag.ts';
import { Holdouts } from './holdouts.ts';
import type { Outcome, Said, SayingContext } from './outcome.ts';
import { everyoneElseOf } from './project/everyone-else.ts';
import { allVariations } from './project/mixed.ts';
import { Project } from './project/project.ts';
import { Refusal, refusalOf } from './refusal.ts';
import { type EventHead, eventAttributes, eventHead, type Sender, visitorText } from './said/event-text.ts';
import type { User } from './user.ts';

/** A flag that the engine decides, and all that its outcomes say. */
interface Compiled {
  readonly rules: CompiledFlag;
  readonly context: SayingContext;
}

/** What a flag came to for a user. */
export interface Decided {
  readonly outcome: Outcome;
  readonly said: Said;
}

/** An experiment and one of its variations, by their ids. */
export interface OverrideIds {
  readonly experimentId: string;
  /** Null where the experiment has no such variation. */
  readonly variationId: string | null;
}

export class Engine {
  /** In the datafile's order. */
  readonly flagKeys: readonly string[];
  readonly #datafile: DatafileJson;
  readonly #flags = new Map<string, Flag>();
  readonly #attributeIds: ReadonlyMap<string, unknown>;
  readonly #head: EventHead;
  readonly #compiled = new Map<string, Compiled | Refusal>();
  #project: Project | null = null;
  #holdouts: Holdouts | null = null;

  /** @param datafile as makeLoadable() leaves it; neither changed nor kept elsewhere */
  constructor(datafile: unknown, sender: Sender) {
    this.#datafile = datafile as DatafileJson;
    for (const flag of this.#datafile.featureFlags ?? []) this.#flags.set(String(flag.key), flag);
    this.flagKeys = [...this.#flags.keys()];
    this.#attributeIds = new Map((this.#datafile.attributes ?? []).map(({ key, id }) => [key, id]));
    this.#head = eventHead(this.#datafile, sender);
  }

  has(flagKey: string): boolean {
    return this.#flags.has(flagKey);
  }

  /** @returns null for a flag that the project does not have, or that the SDK has to decide */
  decide(flagKey: string, user: User): Decided | null {
    const compiled = this.#flag(flagKey);
    if (compiled === null || compiled instanceof Refusal) return null;
    const outcome = compiled.rules.decide(user);
    const said = outcome.said(compiled.context);
    return said === null ? null : { outcome, said };
  }

  /** As decide(), without what is said of it: that takes most of the time of a first decision. */
  outcome(flagKey: string, user: User): Outcome | null {
    const compiled = this.#flag(flagKey);
    return compiled === null || compiled instanceof Refusal ? null : compiled.rules.decide(user);
  }

  /** Why a flag is left to the SDK; null for one that is not. */
  refusal(flagKey: string): Refusal | null {
    const compiled = this.#flag(flagKey);
    return compiled instanceof Refusal ? compiled : null;
  }

  /** Leaves a flag to the SDK from now on: it has decided otherwise. */
  mistrust(flagKey: string): void {
    this.#compiled.set(flagKey, new Refusal('mistrusted', 'the SDK has decided otherwise'));
  }

  /** From now on the flag is as one without rules: a decision by them fails. */
  setAside(flagKey: string): void {
    const flag = this.#flags.get(flagKey);
    if (flag === undefined) return;
    const { id, key, variables = [] } = flag;
    this.#flags.set(flagKey, { id, key, variables, experimentIds: [], rolloutId: '' });
    this.#compiled.delete(flagKey);
  }

  /** Null where no experiment has that key. */
  overrideIds(experimentKey: string, variationKey: string): OverrideIds | null {
    const project = this.#known();
    const experiment = project.ruleByKey.get(experimentKey);
    if (experiment === undefined) return null;
    const variation = allVariations(experiment, project).findLast(({ key }) => key === variationKey);
    return { experimentId: experiment.id, variationId: variation?.id || null };
  }

  /** The user of an event, as its text; see eventText(). */
  visitor({ userId, attributes }: User): string {
    return visitorText(userId, eventAttributes(attributes, this.#attributeIds, this.#datafile.botFiltering));
  }

  /** Compiled on first use: few users ask for every flag of every revision. */
  #flag(flagKey: string): Compiled | Refusal | null {
    const known = this.#compiled.get(flagKey);
    if (known !== undefined) return known;
    const flag = this.#flags.get(flagKey);
    // An unknown key is not kept: there is no end of them.
    if (flag === undefined) return null;
    const compiled = this.#compile(flag);
    this.#compiled.set(flagKey, compiled);
    return compiled;
  }

  #compile(flag: Flag): Compiled | Refusal {
    try {
      const project = this.#known();
      this.#holdouts ??= new Holdouts(project);
      const rules = new CompiledFlag(flag, project, this.#holdouts);
      const everyoneElse = everyoneElseOf(flag, project);
      return { rules, context: { flag, project, head: this.#head, everyoneElse } };
    } catch (error) {
      return refusalOf(error);
    }
  }

  #known(): Project {
    this.#project ??= new Project(this.#datafile);
    return this.#project;
  }
}
