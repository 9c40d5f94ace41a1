// POST /v1/decide: one flag, several, or all, for one user. Decides within the call; never waits.

import type { FlagClient, SdkClient } from '../clients.ts';
import type { Held } from '../store.ts';
import { type DecideRequest, parseDecideRequest } from './decide-request.ts';
import type { Exchange } from './exchange.ts';

type UserContext = ReturnType<SdkClient['createUserContext']>;
type Decision = ReturnType<UserContext['decide']>;
type Options = NonNullable<Parameters<UserContext['decide']>[1]>;

export function decide(exchange: Exchange, held: Held<FlagClient>): void {
  const request = parseDecideRequest(exchange.body);
  if (typeof request === 'string') {
    exchange.error(400, request);
    return;
  }
  const client = held.built;
  const sdk = client.acquire();
  try {
    const keys = exchange.query('keys');
    const user = userContext(sdk, request);
    exchange.json(200, answer(user, request, keys));
  } finally {
    client.release();
  }
}

function userContext(sdk: SdkClient, request: DecideRequest): UserContext {
  const user = sdk.createUserContext(request.userId, request.userAttributes as Record<string, string>);
  for (const { flagKey, ruleKey, variationKey } of request.forcedDecisions) {
    // The SDK keeps these in plain objects: such a name would write to the prototype of all of them.
    if (isPrototypeKey(flagKey) || isPrototypeKey(ruleKey)) continue;
    user.setForcedDecision(ruleKey === '' ? { flagKey } : { flagKey, ruleKey }, { variationKey });
  }
  return user;
}

/** One key gives an object; several, or none for all, a list. */
function answer(user: UserContext, request: DecideRequest, keys: readonly string[]): unknown {
  const options = request.decideOptions as unknown as Options;
  const plain = (decision: Decision) => plainDecision(decision, request);
  const [only] = keys;
  if (only === undefined) return Object.values(user.decideAll(options)).map(plain);
  if (keys.length === 1)
    return isPrototypeKey(only) ? unknownFlag(only, request) : plain(user.decide(only, options));
  const known = keys.filter((key) => !isPrototypeKey(key));
  const unknown = [...new Set(keys.filter(isPrototypeKey))].map((key) => unknownFlag(key, request));
  return [...Object.values(user.decideForKeys(known, options)).map(plain), ...unknown];
}

/** The decision without its client: the SDK's own drags everything in when it is serialised. */
function plainDecision(decision: Decision, { userId, userAttributes }: DecideRequest): object {
  const { variationKey, enabled, ruleKey, flagKey, reasons, variables } = decision;
  return {
    variationKey: variationKey ?? '',
    enabled,
    ruleKey: ruleKey ?? '',
    flagKey,
    userContext: { userId, attributes: userAttributes },
    reasons,
    variables: isEmpty(variables) ? undefined : variables,
    isEveryoneElseVariation: false,
  };
}

/** Names that every object has are never flags, but the SDK would find them in its maps. */
const isPrototypeKey = (key: string): boolean => key in Object.prototype;

const unknownFlag = (flagKey: string, { userId, userAttributes }: DecideRequest): object => ({
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
