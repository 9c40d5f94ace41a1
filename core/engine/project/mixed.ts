// Experiments of the type `fr`: the SDK gives them the variation that a flag's last delivery rule has, for all of the traffic that
// is not theirs. Pure.

import type { Flag, Rule, Variation } from '../../datafile/shape.ts';
import { BUCKETS } from '../bucket.ts';
import { Refusal } from '../refusal.ts';
import type { Project } from './project.ts';

export const MIXED_TYPE = 'fr';

/** The rule as its flag decides by it; the very same for every other type. @throws Refusal */
export function mixed(rule: Rule, flag: Flag, project: Project): Rule {
  if (rule.type !== MIXED_TYPE) return rule;
  const other = everyoneElse(flag, project);
  // The SDK mixes in one variation for each flag that names the rule, and all of these flags share the outcome.
  const uses = project.flags.flatMap(({ experimentIds }) =>
    experimentIds.filter((id) => String(id) === rule.id),
  );
  if (uses.length > 1) throw new Refusal('unknown', `rule "${rule.key}" is mixed by several flags`);
  if (other === null) return rule;
  return {
    ...rule,
    variations: [...rule.variations, other],
    trafficAllocation: [...rule.trafficAllocation, { entityId: other.id, endOfRange: BUCKETS }],
  };
}

/** Of a rule, whichever flag decides by it: its own, and those that are mixed in. */
export function allVariations(rule: Rule, project: Project): readonly Variation[] {
  if (rule.type !== MIXED_TYPE) return rule.variations;
  const flags = project.flags.filter(({ experimentIds }) =>
    experimentIds.some((id) => String(id) === rule.id),
  );
  return [...rule.variations, ...flags.flatMap((flag) => everyoneElse(flag, project) ?? [])];
}

const everyoneElse = (flag: Flag, project: Project): Variation | null =>
  project.rolloutOf(flag)?.experiments.at(-1)?.variations[0] ?? null;
