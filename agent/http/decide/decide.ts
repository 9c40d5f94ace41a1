// POST /v1/decide: one flag, several, or all, for one user. Decides within the call, unless somebody outside has to be
// asked for it first, or it takes so long that others must have their turn in between.

import type { Held } from '../../datafiles/store.ts';
import type { FlagClient } from '../../decisions/flag-client.ts';
import { type Bounds, keysProblem } from '../door/user-limits.ts';
import { withClient } from '../door/with-client.ts';
import type { FlagHandler } from '../door/with-datafile.ts';
import type { Exchange } from '../kernel/exchange.ts';
import {
  type DecideOptions,
  type Decision,
  isPrototypeKey,
  onlyEnabled,
  unknownFlag,
  unlisted,
  userContext,
} from './decision.ts';
import { decisionText, userText } from './decision-text.ts';
import { decideFlags } from './flags.ts';
import { decideLate, isLate } from './late.ts';
import { telling } from './notifications.ts';
import { decidePlain } from './plain.ts';
import { knownUser, withReasons } from './reasons.ts';
import { type DecideRequest, parseDecideRequest } from './request.ts';
import { sdkDecision } from './sdk-decision.ts';

export const decideHandler =
  (bounds: Bounds): FlagHandler =>
  (exchange, held) => {
    const request = parseDecideRequest(exchange.body, bounds.limits);
    if (typeof request === 'string') return exchange.error(400, request);
    const client = held.built;
    const keys = exchange.query('keys');
    const problem = keysProblem(keys, bounds.limits);
    if (problem !== null) return exchange.error(400, problem);
    if (isLate(client, request, keys)) return decideLate(bounds, exchange, held, request, keys);
    return withClient(client, () => {
      const bySdk = sdkDecision(held, request);
      const text =
        decidePlain(client, request, keys, { turns: bounds.turns, exchange, segments: null, bySdk }) ??
        decideBySdk(bounds, exchange, held, request, keys);
      if (typeof text === 'string') return exchange.jsonReady(200, text);
      return text.then((late) => exchange.jsonReady(200, late));
    });
  };

/** One key gives an object; several, or none for all, a list. */
function decideBySdk(
  { turns }: Bounds,
  exchange: Exchange,
  held: Held<FlagClient>,
  request: DecideRequest,
  keys: readonly string[],
): string | Promise<string> {
  const client = held.built;
  const user = userContext(client.sdk, request);
  const known = knownUser(held, request);
  const who = userText(request);
  const options = request.decideOptions as unknown as DecideOptions;
  const unknown = (key: string) => JSON.stringify(unknownFlag(key, request));
  const text = (decision: Decision) => decisionText(withReasons(held, request, decision, known), who, client);
  const [only] = keys;
  if (keys.length === 1 && only !== undefined)
    return isPrototypeKey(only)
      ? unknown(only)
      : text(telling(held, request, known, () => user.decide(only, options)));
  const names = only === undefined ? client.flagKeys : keys.filter((key) => !isPrototypeKey(key));
  const isListed = onlyEnabled(request) ? ({ enabled }: Decision) => enabled : () => true;
  // So often the user comes back, or is sent on.
  exchange.hold(who.length * names.length);
  let list = '';
  const add = (one: string): void => {
    list += list === '' ? one : `,${one}`;
    exchange.hold(list.length);
  };
  const decided = telling(held, request, known, () =>
    decideFlags(turns, user, names, options, (decision) => {
      if (isListed(decision)) add(text(decision));
      return !exchange.isGone;
    }),
  );
  const finish = (): string => {
    for (const key of unlisted(keys, request)) add(unknown(key));
    return `[${list}]`;
  };
  return decided === undefined ? finish() : decided.then(finish);
}
