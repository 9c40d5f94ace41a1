// What OFREP asks for, decided: one flag, or all of them. Decides within the call, unless a prediction is needed.

import type { Held } from '../../datafiles/store.ts';
import type { FlagClient } from '../../decisions/flag-client.ts';
import type { SdkClient } from '../../decisions/sdk-types.ts';
import { decideFlags, decidePredictedFlags } from '../decide/flags.ts';
import { withClient } from '../door/with-client.ts';
import type { Turns } from '../kernel/turns.ts';
import { projectKeys } from '../project/project-keys.ts';
import { forSdk } from '../rest/user-check.ts';
import type { OfrepContext } from './request.ts';
import {
  type Evaluation,
  evaluationOf,
  evaluationsOf,
  type Metadata,
  parseKey,
  type Reason,
} from './value.ts';

type UserContext = ReturnType<SdkClient['createUserContext']>;
type Options = NonNullable<Parameters<UserContext['decideAll']>[0]>;

export type Decision = Pick<
  ReturnType<UserContext['decide']>,
  'enabled' | 'variables' | 'variationKey' | 'ruleKey'
>;

/** Clients that evaluate in bulk ask for every flag again and again, whether they show it or not: no impressions. */
const BULK_OPTIONS = ['DISABLE_DECISION_EVENT'] as unknown as Options;

/** A promise only where somebody else has to be asked. */
type Soon<T> = T | Promise<T>;

/** Null when there is no such flag, or it has no such variable. */
export function evaluateOne(
  held: Held<FlagClient>,
  context: OfrepContext,
  key: string,
): Soon<Evaluation | null> {
  const { flagKey, part } = parseKey(key);
  if (!projectKeys(held).flags.has(flagKey)) return null;
  const { predicted } = held.built;
  const evaluation = (decision: Decision) =>
    evaluationOf(key, part, decision, reasonOf(held, flagKey, decision), metadataOf(held));
  return withUser(held, context, (user) => {
    if (!predicted?.rules.byFlag.has(flagKey)) return evaluation(user.decide(flagKey));
    return predicted.cmab.traced(() => user.decideAsync(flagKey)).then(({ value }) => evaluation(value));
  });
}

/** Every flag, by every key that it can be asked for. Which datafile decided is the answer's to say, not each flag's. */
export function evaluateAll(
  held: Held<FlagClient>,
  context: OfrepContext,
  turns: Turns,
): Soon<readonly Evaluation[]> {
  const { predicted, flagKeys } = held.built;
  const evaluations: Evaluation[] = [];
  const add = (key: string, decision: Decision): void => {
    evaluations.push(...evaluationsOf(key, decision, reasonOf(held, key, decision)));
  };
  return withUser<readonly Evaluation[]>(held, context, (user) => {
    if (predicted === null) {
      const done = decideFlags(turns, user, flagKeys, BULK_OPTIONS, (decision) =>
        add(decision.flagKey, decision),
      );
      return done === undefined ? evaluations : done.then(() => evaluations);
    }
    return predicted.cmab
      .traced(() => decidePredictedFlags(turns, user, flagKeys, BULK_OPTIONS))
      .then(({ value }) => {
        for (const [key, decision] of Object.entries(value)) add(key, decision);
        return evaluations;
      });
  });
}

/** Which datafile decided. */
export const metadataOf = ({ revision, seq, lineage }: Held<FlagClient>): Metadata => ({
  ...{ revision, seq, lineage },
});

/** As OpenFeature's specification names them (types, "resolution reason"). */
function reasonOf(held: Held<FlagClient>, flagKey: string, { ruleKey }: Decision): Reason {
  const { built } = held;
  if (ruleKey === null || built.isEveryoneElse(flagKey, ruleKey)) return 'DEFAULT';
  const isExperiment = projectKeys(held).flags.get(flagKey)?.has(ruleKey) || built.holdouts.has(ruleKey);
  return isExperiment ? 'SPLIT' : 'TARGETING_MATCH';
}

const withUser = <T>(
  { built }: Held<FlagClient>,
  { userId, attributes }: OfrepContext,
  run: (user: UserContext) => Soon<T>,
): Soon<T> =>
  withClient(built, () =>
    run(built.sdk.createUserContext(userId, forSdk(attributes) as Record<string, string>)),
  );
