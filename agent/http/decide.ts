// POST /v1/decide: one flag, several, or all, for one user. Decides within the call, unless somebody outside has to be
// asked for it first.

import type { SdkClient } from '../clients.ts';
import type { FlagClient } from '../flag-client.ts';
import type { Held } from '../store.ts';
import { decideLate, isLate } from './decide-late.ts';
import { telling } from './decide-notes.ts';
import { decidePlain } from './decide-plain.ts';
import { type DecideRequest, parseDecideRequest } from './decide-request.ts';
import {
  type DecideOptions,
  type Decision,
  isPrototypeKey,
  listed,
  unknownFlag,
  unlisted,
  userContext,
} from './decision.ts';
import { decisionText, userText } from './decision-text.ts';
import type { Exchange } from './exchange.ts';
import { knownUser, withReasons } from './reasons.ts';

export function decide(exchange: Exchange, held: Held<FlagClient>): void | Promise<void> {
  const request = parseDecideRequest(exchange.body);
  if (typeof request === 'string') {
    exchange.error(400, request);
    return;
  }
  const client = held.built;
  const keys = exchange.query('keys');
  if (isLate(client, request, keys)) return decideLate(exchange, held, request, keys);
  const sdk = client.acquire();
  try {
    exchange.jsonReady(200, decidePlain(client, request, keys) ?? decideBySdk(sdk, held, request, keys));
  } finally {
    client.release();
  }
}

/** One key gives an object; several, or none for all, a list. */
function decideBySdk(
  sdk: SdkClient,
  held: Held<FlagClient>,
  request: DecideRequest,
  keys: readonly string[],
): string {
  const user = userContext(sdk, request);
  const known = knownUser(held, request);
  const tell = <T>(run: () => T): T => telling(held, request, known, run);
  const who = userText(request);
  const options = request.decideOptions as unknown as DecideOptions;
  const unknown = (key: string) => JSON.stringify(unknownFlag(key, request));
  const text = (decision: Decision) =>
    decisionText(withReasons(held, request, decision, known), who, held.built);
  const [only] = keys;
  if (keys.length === 1 && only !== undefined)
    return isPrototypeKey(only) ? unknown(only) : text(tell(() => user.decide(only, options)));
  const names = keys.filter((key) => !isPrototypeKey(key));
  const decided = tell(() =>
    only === undefined ? user.decideAll(options) : user.decideForKeys(names, options),
  );
  return `[${[...listed(decided, request).map(text), ...unlisted(keys, request).map(unknown)]}]`;
}
