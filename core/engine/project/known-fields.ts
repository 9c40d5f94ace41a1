// What a datafile's parts may have for the engine to decide by them. A field that is not here may change what a rule means: then the
// flag is the SDK's, which may be newer than this list. Pure.

import { GIVEN_CONDITIONS } from '../../datafile/readable-conditions.ts';
import { Refusal } from '../refusal.ts';

const DESCRIPTIVE = ['name', 'description'];
const RULE = [
  ...['id', 'key', 'status', 'type', 'layerId', 'groupId', 'audienceIds', 'audienceConditions'],
  ...['forcedVariations', 'variations', 'trafficAllocation', 'cmab'],
];
/** `includedFlags` and `excludedFlags` were never released: no SDK looks at them. */
const HOLDOUT = ['includedFlags', 'excludedFlags', 'includedRules', 'excludeTargetedDeliveries'];

export const KNOWN = {
  flag: fields('id', 'key', 'rolloutId', 'experimentIds', 'variables'),
  variable: fields('id', 'key', 'type', 'subType', 'defaultValue'),
  rule: fields(...RULE),
  holdout: fields(...RULE, ...HOLDOUT),
  variation: fields('id', 'key', 'featureEnabled', 'variables'),
  'value of a variable': fields('id', 'value'),
  share: fields('entityId', 'endOfRange'),
  group: fields('id', 'policy', 'trafficAllocation', 'experiments'),
  rollout: fields('id', 'experiments'),
  audience: fields('id', 'conditions', GIVEN_CONDITIONS),
} as const;

/** Of experiments and delivery rules. `fr` is the one that changes how users are drawn: see mixed.ts. */
const RULE_TYPES: ReadonlySet<unknown> = new Set([
  ...[undefined, null, '', 'a/b', 'ab', 'mab', 'cmab', 'td', 'fr'],
]);

/** @throws Refusal naming the first field that is not known */
export function expectKnown(part: object, kind: keyof typeof KNOWN): void {
  const known = KNOWN[kind];
  for (const field in part)
    if (!known.has(field)) throw new Refusal('unknown', `a ${kind} has an unknown field "${field}"`);
}

/** @throws Refusal */
export function expectKnownType(type: unknown): void {
  if (!RULE_TYPES.has(type)) throw new Refusal('unknown', `a rule is of the unknown type "${type}"`);
}

function fields(...names: readonly string[]): ReadonlySet<string> {
  return new Set([...names, ...DESCRIPTIVE]);
}
