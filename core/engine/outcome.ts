// What a flag can come to for a user, and what is said of it in an answer and in events: the same for every user of one
// outcome, so it is written once. Knows nothing of how it is reached. Pure.

import type { Flag, Rule, Variation } from '../datafile/shape.ts';
import type { HeldOut } from './holdouts.ts';
import type { Project } from './project/project.ts';
import { decisionPieces, type SaidDecision } from './said/decision.ts';
import type { EventHead, EventPieces } from './said/event-text.ts';
import { eventPieces } from './said/event-text.ts';
import { valuesOf } from './said/values.ts';

/** As events name it. */
export type Source = 'feature-test' | 'rollout' | 'holdout';

/** What there is to say of an outcome. */
export interface Said {
  readonly decision: SaidDecision;
  /** Sent unless the request wants none. */
  readonly events: readonly EventPieces[];
}

const NO_REASONS: readonly string[] = [];

export class Outcome {
  /** A delivery rule is named by the last rule of its id, a holdout by itself; null where nothing or the flag as a whole decided. */
  readonly rule: Rule | null;
  readonly variation: Variation | null;
  readonly source: Source;
  /** By which a user is held out of tests although a delivery rule decided. */
  readonly heldOut: HeldOut | null;
  readonly ruleKey: string | null;
  readonly variationKey: string | null;
  readonly enabled: boolean;
  /** Undefined until asked for; null for what only the SDK can say. */
  #said: Said | null | undefined = undefined;

  constructor(
    rule: Rule | null,
    variation: Variation | null,
    source: Source,
    heldOut: HeldOut | null = null,
  ) {
    this.rule = rule;
    this.variation = variation;
    this.source = source;
    this.heldOut = heldOut;
    this.ruleKey = rule?.key ?? null;
    this.variationKey = variation?.key ?? null;
    this.enabled = variation?.featureEnabled ?? false;
  }

  /** @param context the same at every call @returns null where a variable has a value that is none of its type */
  said(context: SayingContext): Said | null {
    if (this.#said === undefined) this.#said = say(this, context);
    return this.#said;
  }
}

/** The flag of an outcome, and where it stands. */
export interface SayingContext {
  readonly flag: Flag;
  readonly project: Project;
  readonly head: EventHead;
  /** Keys of the flag's rules for everyone else. */
  readonly everyoneElse: ReadonlySet<string>;
}

function say(outcome: Outcome, { flag, project, head, everyoneElse }: SayingContext): Said | null {
  const { ruleKey, variationKey, enabled, source, rule, variation, heldOut } = outcome;
  const variables = valuesOf(flag, variation, enabled, project);
  if (variables === null) return null;
  const decision = { flagKey: flag.key, ruleKey, variationKey, enabled, variables };
  const events: EventPieces[] = [];
  const isSent = source !== 'rollout' || project.sendsDeliveries;
  if (isSent)
    events.push(eventPieces(head, { flagKey: flag.key, rule, variation, source, enabled }, project));
  if (heldOut !== null) {
    const held = heldOut.variation;
    const what = { rule: heldOut.holdout, variation: held, enabled: held.featureEnabled ?? false };
    events.push(eventPieces(head, { flagKey: flag.key, source: 'holdout', ...what }, project));
  }
  const pieces = decisionPieces(decision, ruleKey !== null && everyoneElse.has(ruleKey));
  return { decision: { ...decision, reasons: NO_REASONS, pieces }, events };
}
