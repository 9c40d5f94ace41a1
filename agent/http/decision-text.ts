// Decisions as JSON text, in pieces kept from earlier ones: of each variation that a flag can have, all but the user and the
// reasons is the same every time, and its variables need not even be asked for. Lasts as long as one revision.

import type { FlagClient } from '../clients.ts';
import type { DecideRequest } from './decide-request.ts';
import type { Decision } from './decision.ts';

/** A variation of a flag: what stands before the user, and what after the reasons. */
interface Pieces {
  readonly ruleKey: string | null;
  readonly variationKey: string | null;
  readonly enabled: boolean;
  readonly before: string;
  readonly after: string;
}

type Variables = Decision['variables'];

const NO_REASONS = ',"reasons":[]';
const END = ',"isEveryoneElseVariation":false}';

/** The user of a decision, the same for all decisions of a request. */
export const userText = ({ userId, userAttributes }: DecideRequest): string =>
  JSON.stringify({ userId, attributes: userAttributes });

/** @param user made by userText() */
export function decisionText(decision: Decision, user: string): string {
  return before(decision) + user + reasonsText(decision) + after(decision.variables);
}

export class DecisionTexts {
  /** Grows no further than the datafile: rules and variations are its own, and flags that it does not have are left out. */
  readonly #byFlag = new Map<string, Pieces[]>();

  /**
   * Of a decision that was made without its variables and without forced decisions: those could give a rule the
   * variation of another, of the same name.
   * @param user made by userText()
   * @param variables asks for them, of the same decision; called when such a one is new
   */
  text(decision: Decision, user: string, variables: () => Variables): string {
    const { flagKey, ruleKey, variationKey, enabled } = decision;
    const known = this.#byFlag.get(flagKey)?.find((it) => {
      return it.variationKey === variationKey && it.ruleKey === ruleKey && it.enabled === enabled;
    });
    const pieces = known ?? this.#learn(decision, variables());
    return pieces.before + user + reasonsText(decision) + pieces.after;
  }

  #learn(decision: Decision, variables: Variables): Pieces {
    const { flagKey, ruleKey, variationKey, enabled, reasons } = decision;
    const own = { before: before(decision), after: after(variables) };
    const pieces = { ruleKey, variationKey, enabled, ...own };
    // Only a flag that there is has a variation, or nothing to say against it.
    if (variationKey !== null || reasons.length === 0) {
      const others = this.#byFlag.get(flagKey);
      if (others === undefined) this.#byFlag.set(flagKey, [pieces]);
      else others.push(pieces);
    }
    return pieces;
  }
}

const texts = new WeakMap<FlagClient, DecisionTexts>();

export function textsOf(client: FlagClient): DecisionTexts {
  let own = texts.get(client);
  if (own === undefined) {
    own = new DecisionTexts();
    texts.set(client, own);
  }
  return own;
}

function before({ variationKey, enabled, ruleKey, flagKey }: Decision): string {
  const head = { variationKey: variationKey ?? '', enabled, ruleKey: ruleKey ?? '', flagKey };
  return `${JSON.stringify(head).slice(0, -1)},"userContext":`;
}

const reasonsText = ({ reasons }: Decision): string =>
  reasons.length === 0 ? NO_REASONS : `,"reasons":${JSON.stringify(reasons)}`;

const after = (variables: Variables): string =>
  isEmpty(variables) ? END : `,"variables":${JSON.stringify(variables)}${END}`;

function isEmpty(object: object): boolean {
  for (const _ in object) return false;
  return true;
}
