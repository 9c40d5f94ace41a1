// The SDK's decisions of many flags, in the order and with the filter of its own decideAll() and decideForKeys(), but one after
// another, so that other requests get their turn in between.

import type { Turns } from '../../http/kernel/turns.ts';
import type { DecideOptions, Decision, UserContext } from './decision.ts';

/** Decided together where a decision may have to ask for a prediction: those of one group are asked for at the same time. */
const PREDICTED_TOGETHER = 8;

/** @param onDecision told of each that the options do not leave out; false ends it */
export function decideFlags(
  turns: Turns,
  user: UserContext,
  keys: readonly string[],
  options: DecideOptions,
  onDecision: (decision: Decision) => unknown,
): void | Promise<void> {
  return turns.each(inOrder(keys), (key) => {
    const decision = user.decideForKeys([key], options)[key];
    return decision === undefined || onDecision(decision);
  });
}

/** Like decideFlags(), for flags of which some have to be asked for outside. */
export async function decidePredictedFlags(
  turns: Turns,
  user: UserContext,
  keys: readonly string[],
  options: DecideOptions,
): Promise<Readonly<Record<string, Decision>>> {
  const decisions: Record<string, Decision> = {};
  const ordered = inOrder(keys);
  for (let i = 0; i < ordered.length; i += PREDICTED_TOGETHER) {
    if (turns.isOver) await turns.next();
    Object.assign(
      decisions,
      await user.decideForKeysAsync(ordered.slice(i, i + PREDICTED_TOGETHER), options),
    );
  }
  return decisions;
}

/** Each once, as the keys of an object come: the SDK answers with one. */
const inOrder = (keys: readonly string[]): readonly string[] =>
  Object.keys(Object.fromEntries(keys.map((key) => [key, null])));
