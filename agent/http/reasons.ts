// Why a decision was made, in the words of the original's SDK: clients and its own tests compare them. What is said here
// and not there is left out; steps that are only seen there are worked out anew. Pure.

import type { FlagClient } from '../flag-client.ts';
import type { Held } from '../store.ts';
import type { DecideRequest } from './decide-request.ts';
import type { Decision } from './decision.ts';
import { projectKeys } from './project-keys.ts';
import { untoldAudiences } from './reasons-audiences.ts';

const EVERYONE = 'Everyone Else';

interface Telling {
  readonly userId: string;
  /** The rule that decided; empty for none. */
  readonly ruleKey: string;
  /** Keys of the flag's delivery rules, in their order. */
  readonly deliveryRules: readonly string[];
  /** Ids of the audiences, of those named by these conditions, that cannot be told for the user. */
  readonly untold: (conditions: string) => readonly string[];
  /** Whether the line before said into which bucket the user falls. */
  readonly isBucketed: boolean;
}

type Write = (telling: Telling, ...found: string[]) => string | readonly string[] | null;

const leaveOut: Write = () => null;

/** About the user: what follows `User <id> `. */
const USER_LINES: readonly [pattern: RegExp, write: Write][] = [
  [/^(?:is in|is not in) rollout of feature /s, leaveOut],
  [/^(?:not )?bucketed into targeting rule /s, leaveOut],
  [/^is in no variation of experiment /s, leaveOut],
  [/^is (?:not )?in (?:any )?experiment .*of group /s, leaveOut],
  [
    /^does not meet conditions to be in experiment (.*)\.$/s,
    ({ userId }, key) => `User "${userId}" does not meet conditions to be in experiment "${key}".`,
  ],
  [
    /^does not meet conditions for targeting rule (.*)\.$/s,
    ({ userId }, rule) =>
      rule === EVERYONE ? null : `User "${userId}" does not meet conditions for targeting rule ${rule}.`,
  ],
  [
    /^meets conditions for targeting rule (.*)\.$/s,
    ({ userId }, rule) =>
      rule === EVERYONE ? `User "${userId}" meets conditions for targeting rule "${EVERYONE}".` : null,
  ],
  [
    /^is forced in variation (.*)\.$/s,
    ({ userId, ruleKey }, variation) =>
      `User "${userId}" is whitelisted into variation "${variation}" of experiment "${ruleKey}".`,
  ],
  // Without a bucket of its own, the variation was predicted.
  [
    /^is in variation (.*) of experiment .*\.$/s,
    ({ isBucketed }, variation) =>
      isBucketed ? null : `User bucketed into variation ${variation} by CMAB service`,
  ],
];

const OTHER_LINES: readonly [pattern: RegExp, write: Write][] = [
  [/^Assigned bucket \d+ to user /s, leaveOut],
  [/^Feature .* is not attached to any experiments\.$/s, leaveOut],
  [/^Rollout of feature .* has no experiments$/s, leaveOut],
  [/^CMAB is not supported in sync mode\.$/, leaveOut],
  [/^There is no rollout of feature /s, () => 'Rollout with ID "" is not in the datafile.'],
  [/^Invalid rollout ID .* attached to feature /s, () => 'Rollout with ID "" is not in the datafile.'],
  [
    /^Evaluating audiences for .*?: (\[.*\])\.$/s,
    ({ untold }, conditions) =>
      untold(conditions as string).map(
        (id) => `an error occurred while evaluating nested tree for audience ID "${id}"`,
      ),
  ],
  [
    /^Audiences for (experiment|holdout) (.*) collectively evaluated to (TRUE|FALSE)\.$/s,
    (_, what, key, truth) =>
      `Audiences for ${what} ${key} collectively evaluated to ${truth?.toLowerCase()}.`,
  ],
  [
    /^Audiences for rule (.*) collectively evaluated to (TRUE|FALSE)\.$/s,
    ({ deliveryRules }, rule, truth) => {
      const key = rule === EVERYONE ? deliveryRules.at(-1) : deliveryRules[Number(rule) - 1];
      return truth === 'TRUE' ? `Audiences for experiment ${key} collectively evaluated to true.` : null;
    },
  ],
  [
    /^Returning previously activated variation "(.*)" of experiment "(.*)" for user ".*" from user profile\.$/s,
    ({ userId }, variation, experiment) =>
      `User "${userId}" was previously bucketed into variation "${variation}" of experiment "${experiment}".`,
  ],
  [
    /^Variation key (.*) is not in datafile\. Not activating user /s,
    ({ userId }, variation) =>
      `User "${userId}" is whitelisted into variation "${variation}", which is not in the datafile.`,
  ],
  [
    /^Variation (.*) is mapped to experiment .* in the forced variation map\.$/s,
    ({ userId }, variation) => `Override variation ${variation} found for user ${userId}`,
  ],
];

/** The decision as it was, but for the words of its reasons. */
export function withReasons(held: Held<FlagClient>, request: DecideRequest, decision: Decision): Decision {
  const { reasons, flagKey, ruleKey } = decision;
  if (reasons.length === 0 || !request.decideOptions.includes('INCLUDE_REASONS')) return decision;
  const { deliveryRules, audiences } = projectKeys(held);
  const { userId, userAttributes } = request;
  const segments = decision.userContext.qualifiedSegments;
  const telling = {
    ...{ userId, ruleKey: ruleKey ?? '', deliveryRules: deliveryRules.get(flagKey) ?? [] },
    untold: (conditions: string) => untoldAudiences(conditions, { audiences, userAttributes, segments }),
  };
  const told = reasons.flatMap((reason, i) => {
    const isBucketed = reasons[i - 1]?.startsWith('Assigned bucket ') === true;
    return inWords({ ...telling, isBucketed }, reason) ?? [];
  });
  return { ...decision, reasons: told };
}

function inWords(telling: Telling, reason: string): string | readonly string[] | null {
  const user = `User ${telling.userId} `;
  const isAboutUser = reason.startsWith(user);
  const text = isAboutUser ? reason.slice(user.length) : reason;
  for (const [pattern, write] of isAboutUser ? USER_LINES : OTHER_LINES) {
    const found = pattern.exec(text);
    if (found !== null) return write(telling, ...found.slice(1));
  }
  return reason;
}
