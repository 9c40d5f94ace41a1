// What /v1/activate answers of rules whose variation is predicted: the flag is decided first, as /v1/decide does it, because
// the SDK's own activate cannot wait for a prediction.

import type { SdkClient } from '../clients.ts';
import type { Predicted } from '../flag-client.ts';

type UserContext = ReturnType<SdkClient['createUserContext']>;
type Options = NonNullable<Parameters<UserContext['decide']>[1]>;
export type Decision = ReturnType<UserContext['decide']>;
export type Decided = ReadonlyMap<string, Decision>;

/** The flag that a predicted experiment is a rule of; null for any other experiment. */
export function flagOf(predicted: Predicted | null, experimentKey: string): string | null {
  for (const [flagKey, rules] of predicted?.rules.byFlag ?? []) if (rules.has(experimentKey)) return flagKey;
  return null;
}

/** Keys of the flags that have to be decided beforehand. */
export function lateFlags(
  predicted: Predicted | null,
  wanted: ReadonlyMap<string, 'experiment' | 'feature'>,
): ReadonlySet<string> {
  const flags = new Set<string>();
  if (predicted === null) return flags;
  for (const [key, kind] of wanted) {
    const flagKey =
      kind === 'experiment' ? flagOf(predicted, key) : predicted.rules.byFlag.has(key) ? key : null;
    if (flagKey !== null) flags.add(flagKey);
  }
  return flags;
}

/** @returns decisions by flag key */
export async function decideFlags(
  user: UserContext,
  { cmab }: Predicted,
  flagKeys: ReadonlySet<string>,
  options: Options,
): Promise<Decided> {
  const decide = (flagKey: string) => async () =>
    [flagKey, await user.decideAsync(flagKey, options)] as const;
  const made = await Promise.all([...flagKeys].map((flagKey) => cmab.traced(decide(flagKey))));
  return new Map(made.map(({ value }) => value));
}
