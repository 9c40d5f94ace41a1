// What OFREP asks for, decided: one flag, or all of them. Decides within the call; never waits.

import type { FlagClient, SdkClient } from '../clients.ts';
import type { Held } from '../store.ts';
import type { OfrepContext } from './ofrep-request.ts';
import { type Evaluation, evaluationOf, parseKey } from './ofrep-value.ts';
import { projectKeys } from './project-keys.ts';

type UserContext = ReturnType<SdkClient['createUserContext']>;
type Options = NonNullable<Parameters<UserContext['decideAll']>[0]>;

export type Decision = Pick<
  ReturnType<UserContext['decide']>,
  'enabled' | 'variables' | 'variationKey' | 'ruleKey'
>;

/** Clients that evaluate in bulk ask for every flag again and again, whether they show it or not: no impressions. */
const BULK_OPTIONS = ['DISABLE_DECISION_EVENT'] as unknown as Options;

/** Null when there is no such flag, or it has no such variable. */
export function evaluateOne(held: Held<FlagClient>, context: OfrepContext, key: string): Evaluation | null {
  const { flagKey, part } = parseKey(key);
  const experiments = projectKeys(held.built).flags.get(flagKey);
  if (experiments === undefined) return null;
  return withUser(held, context, (user) =>
    evaluationOf(key, part, user.decide(flagKey), { experiments, metadata: metadataOf(held) }),
  );
}

/** Every flag by its plain key. */
export function evaluateAll(held: Held<FlagClient>, context: OfrepContext): Evaluation[] {
  const { flags } = projectKeys(held.built);
  const metadata = metadataOf(held);
  const none: ReadonlySet<string> = new Set();
  return withUser(held, context, (user) =>
    Object.entries(user.decideAll(BULK_OPTIONS)).flatMap(
      ([key, decision]) =>
        evaluationOf(key, null, decision, { experiments: flags.get(key) ?? none, metadata }) ?? [],
    ),
  );
}

/** Which datafile decided. */
const metadataOf = ({ revision, seq, lineage }: Held<FlagClient>): Evaluation['metadata'] => ({
  ...{ revision, seq, lineage },
});

function withUser<T>(
  { built }: Held<FlagClient>,
  { userId, attributes }: OfrepContext,
  run: (user: UserContext) => T,
): T {
  const sdk = built.acquire();
  try {
    return run(sdk.createUserContext(userId, attributes as Record<string, string>));
  } finally {
    built.release();
  }
}
