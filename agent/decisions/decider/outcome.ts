// What a flag can come to for a user: a variation by a rule, or nothing. What is said of it, in an answer and in an event,
// is learned from the SDK's own decision, once per revision. Knows nothing of how it is reached.

import type { FlagDecision } from '../flags/decision.ts';

/** The event's text, without its time and id. */
export interface EventPieces {
  readonly url: string;
  readonly head: string;
  readonly beforeTime: string;
  readonly beforeId: string;
  readonly afterId: string;
}

export class Outcome {
  readonly ruleKey: string | null;
  readonly variationKey: string | null;
  /** Null until learned. */
  decision: FlagDecision | null = null;
  /** Undefined until learned; null where none is sent. */
  event: EventPieces | null | undefined = undefined;

  constructor(ruleKey: string | null, variationKey: string | null) {
    this.ruleKey = ruleKey;
    this.variationKey = variationKey;
  }
}
