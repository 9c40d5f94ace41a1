// What OFREP asks for, decided: one flag, or all of them.

import type { Held } from '../../datafiles/store.ts';
import { type Pace, type Soon, UserDecisions } from '../../decisions/decide.ts';
import type { FlagClient } from '../../decisions/flag-client.ts';
import type { FlagDecision } from '../../decisions/flags/decision.ts';
import type { DecideOption } from '../../decisions/flags/request.ts';
import { projectKeys } from '../project/project-keys.ts';
import type { OfrepContext } from './request.ts';
import {
  type Evaluation,
  evaluationOf,
  evaluationsOf,
  type Metadata,
  parseKey,
  type Reason,
} from './value.ts';

/** Clients that evaluate in bulk ask for every flag again and again, whether they show it or not: no impressions. */
const BULK_OPTIONS: readonly DecideOption[] = ['DISABLE_DECISION_EVENT'];

/** Null when there is no such flag, or it has no such variable. */
export function evaluateOne(
  held: Held<FlagClient>,
  context: OfrepContext,
  key: string,
): Soon<Evaluation | null> {
  const { flagKey, part } = parseKey(key);
  if (!projectKeys(held).flags.has(flagKey)) return null;
  const evaluation = (decision: FlagDecision) =>
    evaluationOf(key, part, decision, reasonOf(held, decision), metadataOf(held));
  const decision = decisionsFor(held, context, []).one(flagKey);
  return decision instanceof Promise ? decision.then(evaluation) : evaluation(decision);
}

/** Every flag, by every key that it can be asked for. Which datafile decided is the answer's to say, not each flag's. */
export function evaluateAll(
  held: Held<FlagClient>,
  context: OfrepContext,
  pace: Pace,
): Soon<readonly Evaluation[]> {
  const evaluations: Evaluation[] = [];
  const done = decisionsFor(held, context, BULK_OPTIONS).each(held.built.flagKeys, pace, (decision) => {
    evaluations.push(...evaluationsOf(decision, reasonOf(held, decision)));
  });
  return done === undefined ? evaluations : done.then(() => evaluations);
}

/** Which datafile decided. */
export const metadataOf = ({ revision, seq, lineage }: Held<FlagClient>): Metadata => ({
  revision,
  seq,
  lineage,
});

const decisionsFor = (
  { built }: Held<FlagClient>,
  { userId, attributes: userAttributes }: OfrepContext,
  decideOptions: readonly DecideOption[],
): UserDecisions => new UserDecisions(built, { userId, userAttributes, decideOptions, forcedDecisions: [] });

/** As OpenFeature's specification names them (types, "resolution reason"). */
function reasonOf(held: Held<FlagClient>, { flagKey, ruleKey }: FlagDecision): Reason {
  const { built } = held;
  if (ruleKey === null || built.isEveryoneElse(flagKey, ruleKey)) return 'DEFAULT';
  const isExperiment = projectKeys(held).flags.get(flagKey)?.has(ruleKey) || built.holdouts.has(ruleKey);
  return isExperiment ? 'SPLIT' : 'TARGETING_MATCH';
}
