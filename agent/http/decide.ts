// POST /v1/decide: one flag, several, or all, for one user. Decides within the call, unless somebody outside has to be
// asked for it first.

import type { FlagClient } from '../clients.ts';
import type { Held } from '../store.ts';
import { decideLate, isLate } from './decide-late.ts';
import { type DecideOption, type DecideRequest, parseDecideRequest } from './decide-request.ts';
import {
  type DecideOptions,
  type Decision,
  isPrototypeKey,
  type UserContext,
  unknownFlag,
  userContext,
} from './decision.ts';
import { decisionText, textsOf, userText } from './decision-text.ts';
import type { Exchange } from './exchange.ts';

export function decide(exchange: Exchange, held: Held<FlagClient>): void | Promise<void> {
  const request = parseDecideRequest(exchange.body);
  if (typeof request === 'string') {
    exchange.error(400, request);
    return;
  }
  const client = held.built;
  const keys = exchange.query('keys');
  if (isLate(client, request, keys)) return decideLate(exchange, client, request, keys);
  const sdk = client.acquire();
  try {
    const user = userContext(sdk, request);
    exchange.jsonReady(200, answer(client, user, request, keys));
  } finally {
    client.release();
  }
}

/** One key gives an object; several, or none for all, a list. */
function answer(
  client: FlagClient,
  user: UserContext,
  request: DecideRequest,
  keys: readonly string[],
): string {
  const { options, text } = writing(client, user, request);
  const unknown = (key: string) => JSON.stringify(unknownFlag(key, request));
  const [only] = keys;
  if (only === undefined) return `[${Object.values(user.decideAll(options)).map(text)}]`;
  if (keys.length === 1) return isPrototypeKey(only) ? unknown(only) : text(user.decide(only, options));
  const known = Object.values(user.decideForKeys(keys.filter(isFlagKey), options));
  return `[${[...known.map(text), ...[...new Set(keys.filter(isPrototypeKey))].map(unknown)]}]`;
}

interface Writing {
  readonly options: DecideOptions;
  readonly text: (decision: Decision) => string;
}

/** How the request's decisions are asked for and written down. */
function writing(client: FlagClient, user: UserContext, request: DecideRequest): Writing {
  const { decideOptions, forcedDecisions } = request;
  const who = userText(request);
  // Who listens to decisions is told their variables too.
  if (client.isHeard || forcedDecisions.length > 0 || decideOptions.includes('EXCLUDE_VARIABLES'))
    return { options: forSdk(decideOptions), text: (decision) => decisionText(decision, who) };
  const texts = textsOf(client);
  const variablesOf = (flagKey: string) => user.decide(flagKey, asked(decideOptions)).variables;
  return {
    options: forSdk([...decideOptions, 'EXCLUDE_VARIABLES']),
    text: (decision) => texts.text(decision, who, () => variablesOf(decision.flagKey)),
  };
}

/** For the same decision once more: nobody is to hear of it twice. */
const asked = (options: readonly DecideOption[]): DecideOptions =>
  forSdk(['DISABLE_DECISION_EVENT', ...options.filter((option) => option === 'IGNORE_USER_PROFILE_SERVICE')]);

const forSdk = (options: readonly DecideOption[]) => options as unknown as DecideOptions;
const isFlagKey = (key: string): boolean => !isPrototypeKey(key);
