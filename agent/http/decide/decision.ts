// Decisions as the API gives them: the SDK's, made plain. Pure.

import type { FlagClient } from '../../decisions/flag-client.ts';
import type { SdkClient } from '../../decisions/sdk-types.ts';
import { forSdk } from '../rest/user-check.ts';
import type { DecideRequest } from './request.ts';

export type UserContext = ReturnType<SdkClient['createUserContext']>;
export type Decision = ReturnType<UserContext['decide']>;
/** What of a client says more about a decision than the SDK does. */
export type DecisionLore = Pick<FlagClient, 'isEveryoneElse'>;
export type DecideOptions = NonNullable<Parameters<UserContext['decide']>[1]>;

export function userContext(sdk: SdkClient, request: DecideRequest): UserContext {
  const user = sdk.createUserContext(
    request.userId,
    forSdk(request.userAttributes) as Record<string, string>,
  );
  for (const { flagKey, ruleKey, variationKey } of request.forcedDecisions) {
    // The SDK keeps these in plain objects: such a name would write to the prototype of all of them.
    if (isPrototypeKey(flagKey) || isPrototypeKey(ruleKey)) continue;
    user.setForcedDecision(ruleKey === '' ? { flagKey } : { flagKey, ruleKey }, { variationKey });
  }
  return user;
}

/** The decision without its client: the SDK's own drags everything in when it is serialised. */
export function plainDecision(
  decision: Decision,
  { userId, userAttributes }: DecideRequest,
  lore: DecisionLore,
): object {
  const { variationKey, enabled, ruleKey, flagKey, reasons, variables } = decision;
  return {
    variationKey: variationKey ?? '',
    enabled,
    ruleKey: ruleKey ?? '',
    flagKey,
    userContext: { userId, attributes: userAttributes },
    reasons,
    variables: isEmpty(variables) ? undefined : variables,
    isEveryoneElseVariation: lore.isEveryoneElse(flagKey, ruleKey),
  };
}

/**
 * The decisions of a list. Where only flags that are on are wanted, those that the SDK could not decide are not: it gives
 * these all the same.
 */
export const listed = (
  decisions: Readonly<Record<string, Decision>>,
  request: DecideRequest,
): readonly Decision[] => {
  const all = Object.values(decisions);
  return onlyEnabled(request) ? all.filter(({ enabled }) => enabled) : all;
};

/** Keys of a list that the SDK must not be asked for, each once. */
export const unlisted = (keys: readonly string[], request: DecideRequest): readonly string[] =>
  onlyEnabled(request) ? [] : [...new Set(keys.filter(isPrototypeKey))];

/** Whether flags that are off are left out of lists. */
export const onlyEnabled = ({ decideOptions }: DecideRequest): boolean =>
  decideOptions.includes('ENABLED_FLAGS_ONLY');

/** Names that every object has are never flags, but the SDK would find them in its maps. */
export const isPrototypeKey = (key: string): boolean => key in Object.prototype;

export const unknownFlag = (flagKey: string, { userId, userAttributes }: DecideRequest): object => ({
  variationKey: '',
  enabled: false,
  ruleKey: '',
  flagKey,
  userContext: { userId, attributes: userAttributes },
  reasons: [`No flag was found for key "${flagKey}".`],
  isEveryoneElseVariation: false,
});

function isEmpty(object: object): boolean {
  for (const _ in object) return false;
  return true;
}
