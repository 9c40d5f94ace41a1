// POST /v1/decide: one flag, several, or all, for one user. Decides within the call, unless somebody outside has to be
// asked for it first.

import type { FlagClient } from '../clients.ts';
import type { Held } from '../store.ts';
import { decideLate, isLate } from './decide-late.ts';
import { type DecideRequest, parseDecideRequest } from './decide-request.ts';
import {
  type DecideOptions,
  type Decision,
  isPrototypeKey,
  plainDecision,
  type UserContext,
  unknownFlag,
  userContext,
} from './decision.ts';
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
    exchange.json(200, answer(user, request, keys));
  } finally {
    client.release();
  }
}

/** One key gives an object; several, or none for all, a list. */
function answer(user: UserContext, request: DecideRequest, keys: readonly string[]): unknown {
  const options = request.decideOptions as unknown as DecideOptions;
  const plain = (decision: Decision) => plainDecision(decision, request);
  const [only] = keys;
  if (only === undefined) return Object.values(user.decideAll(options)).map(plain);
  if (keys.length === 1)
    return isPrototypeKey(only) ? unknownFlag(only, request) : plain(user.decide(only, options));
  const known = keys.filter((key) => !isPrototypeKey(key));
  const unknown = [...new Set(keys.filter(isPrototypeKey))].map((key) => unknownFlag(key, request));
  return [...Object.values(user.decideForKeys(known, options)).map(plain), ...unknown];
}
