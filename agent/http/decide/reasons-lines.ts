// The lines of the SDK's reasons, each with what the original says in its place. Pure.

export const EVERYONE = 'Everyone Else';

export interface OriginalWording {
  readonly userId: string;
  /** The rule that decided; empty for none. */
  readonly ruleKey: string;
  /** Keys of the flag's delivery rules, in their order. */
  readonly deliveryRules: readonly string[];
  /** What there is to say of the audiences, of those named by these conditions, that cannot be told for the user. */
  readonly untold: (conditions: string) => readonly string[];
  /** Key → id, of the flag's rules that ask for a prediction. */
  readonly predictedRules: ReadonlyMap<string, string>;
  /** Experiment key → a variation that was kept, and is none of the experiment's. */
  readonly unknownKept: ReadonlyMap<string, string>;
  /** Why the user is bucketed by their own id after all; null where they need not be. */
  readonly bucketingProblem: string | null;
  /** The SDK's next two lines. */
  readonly following: readonly string[];
}

export type Write = (telling: OriginalWording, ...found: string[]) => string | readonly string[] | null;

const leaveOut: Write = () => null;

/** About the user: what follows `User <id> `. */
export const USER_LINES: readonly [pattern: RegExp, write: Write][] = [
  [/^(?:is in|is not in) rollout of feature /s, leaveOut],
  [/^(?:not )?bucketed into targeting rule /s, leaveOut],
  [/^is (?:not )?in (?:any )?experiment .*of group /s, leaveOut],
  [
    /^is in no variation of experiment (.*)\.$/s,
    ({ userId, predictedRules }, key) =>
      predictedRules.has(key as string)
        ? `User ${userId} not in CMAB experiment ${key} due to traffic allocation`
        : null,
  ],
  [
    /^does not meet conditions to be in experiment (.*)\.$/s,
    ({ userId, predictedRules }, key) =>
      predictedRules.has(key as string)
        ? `User ${userId} not in audience for CMAB experiment ${key}`
        : `User "${userId}" does not meet conditions to be in experiment "${key}".`,
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
    /^meets conditions for holdout (.*)\.$/s,
    (telling, key) => [
      `User ${telling.userId} meets conditions for holdout ${key}.`,
      ...bucketing(telling, 'holdout', key as string),
    ],
  ],
  // The SDK puts the two names in each other's place.
  [
    /^is in variation (.*) of holdout (.*)\.$/s,
    ({ userId }, key, variation) => `User ${userId} is in variation ${variation} of holdout ${key}.`,
  ],
  [
    /^is forced in variation (.*)\.$/s,
    ({ userId, ruleKey }, variation) =>
      `User "${userId}" is whitelisted into variation "${variation}" of experiment "${ruleKey}".`,
  ],
  [
    /^is in variation (.*) of experiment (.*)\.$/s,
    ({ predictedRules }, variation, key) =>
      predictedRules.has(key as string) ? `User bucketed into variation ${variation} by CMAB service` : null,
  ],
];

export const OTHER_LINES: readonly [pattern: RegExp, write: Write][] = [
  [/^Assigned bucket \d+ to user /s, leaveOut],
  [/^Feature .* is not attached to any experiments\.$/s, leaveOut],
  [/^Rollout of feature .* has no experiments$/s, leaveOut],
  [/^CMAB is not supported in sync mode\.$/, leaveOut],
  // The original knows the running ones only.
  [/^Holdout .* is not running\.$/s, leaveOut],
  [/^Bucketed into an invalid variation ID\. Returning null\.$/, leaveOut],
  [/^There is no rollout of feature /s, () => 'Rollout with ID "" is not in the datafile.'],
  [/^Invalid rollout ID .* attached to feature /s, () => 'Rollout with ID "" is not in the datafile.'],
  [
    /^Evaluating audiences for experiment "(.*)": (\[.*\])\.$/s,
    (telling, key, conditions) => [
      ...(isOfHoldout(telling, telling.following[1]) ? [] : keptBefore(telling, key as string)),
      ...telling.untold(conditions as string),
    ],
  ],
  // The original evaluates the audience a second time there, on the way to a bucket.
  [
    /^Evaluating audiences for rule ".*": (\[.*\])\.$/s,
    ({ untold, following }, conditions) => {
      const lines = untold(conditions as string);
      return following[0]?.endsWith(' collectively evaluated to TRUE.') ? [...lines, ...lines] : lines;
    },
  ],
  [
    /^Audiences for experiment (.*) collectively evaluated to (TRUE|FALSE)\.$/s,
    (telling, key, truth) => {
      const what = isOfHoldout(telling, telling.following[0]) ? 'holdout' : 'experiment';
      const line = `Audiences for ${what} ${key} collectively evaluated to ${truth?.toLowerCase()}.`;
      if (what === 'holdout' || truth === 'FALSE') return line;
      return [line, ...bucketing(telling, 'experiment', key as string)];
    },
  ],
  [
    /^Audiences for rule (.*) collectively evaluated to (TRUE|FALSE)\.$/s,
    (telling, rule, truth) => {
      if (truth === 'FALSE') return null;
      const { deliveryRules } = telling;
      const key = (rule === EVERYONE ? deliveryRules.at(-1) : deliveryRules[Number(rule) - 1]) ?? '';
      return [
        `Audiences for experiment ${key} collectively evaluated to true.`,
        ...bucketing(telling, 'experiment', key),
      ];
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

/** The SDK says "experiment" of both; what becomes of the user tells them apart. */
const isOfHoldout = ({ userId }: OriginalWording, outcome = ''): boolean =>
  outcome.startsWith(`User ${userId} meets conditions for holdout `) ||
  outcome.startsWith(`User ${userId} does not meet conditions for holdout `);

function keptBefore(
  { userId, unknownKept, predictedRules }: OriginalWording,
  key: string,
): readonly string[] {
  const variationId = unknownKept.get(key);
  if (variationId === undefined || predictedRules.has(key)) return [];
  return [
    `User "${userId}" was previously bucketed into variation with ID "${variationId}" for experiment "${key}", but no matching variation was found.`,
  ];
}

/** Said where a bucket is about to be looked for. */
function bucketing(
  { bucketingProblem, predictedRules }: OriginalWording,
  what: 'experiment' | 'holdout',
  key: string,
): readonly string[] {
  if (bucketingProblem === null) return [];
  if (what === 'experiment' && predictedRules.has(key))
    return [`Error computing bucketing ID for CMAB experiment ${key}: ${bucketingProblem}`];
  const quoted = [key, bucketingProblem].map((text) => JSON.stringify(text)).join(': ');
  return [`Error computing bucketing ID for ${what} ${quoted}`];
}
