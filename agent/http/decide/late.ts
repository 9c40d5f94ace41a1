// Decisions that wait for somebody outside: for the user's segments, or for the prediction that a rule asks for. The same
// answers as those made within the call.

import type { Held } from '../../datafiles/store.ts';
import type { PredictionIds, Predictions } from '../../decisions/cmab.ts';
import type { FlagClient, Predicted } from '../../decisions/flag-client.ts';
import type { Bounds } from '../door/user-limits.ts';
import type { Exchange } from '../kernel/exchange.ts';
import type { Turns } from '../kernel/turns.ts';
import {
  type DecideOptions,
  type Decision,
  isPrototypeKey,
  listed,
  plainDecision,
  type UserContext,
  unknownFlag,
  unlisted,
  userContext,
} from './decision.ts';
import { userText } from './decision-text.ts';
import { withFailure } from './failed.ts';
import { decidePredictedFlags } from './flags.ts';
import { telling } from './notifications.ts';
import { decidePlain } from './plain.ts';
import { type KnownUser, knownUser, withReasons } from './reasons.ts';
import type { DecideRequest } from './request.ts';
import { sdkDecision } from './sdk-decision.ts';

const CACHE_HEADER = 'x-optimizely-odp-cache-name';
const NO_SEGMENTS = 'failed to fetch qualified segments';
const NONE: Predictions = { ids: new Map(), unknown: new Map() };

/** Whether the request cannot be answered within the call. */
export const isLate = (client: FlagClient, request: DecideRequest, keys: readonly string[]): boolean =>
  request.fetchSegments || needsPrediction(client, keys);

function needsPrediction({ predicted }: FlagClient, keys: readonly string[]): boolean {
  if (predicted === null) return false;
  const { byFlag } = predicted.rules;
  return byFlag.size > 0 && (keys.length === 0 || keys.some((key) => byFlag.has(key)));
}

export async function decideLate(
  { turns }: Bounds,
  exchange: Exchange,
  held: Held<FlagClient>,
  request: DecideRequest,
  keys: readonly string[],
): Promise<void> {
  const client = held.built;
  // The datafile may be replaced meanwhile; its client must last until this request is answered.
  client.acquire();
  try {
    let segments: readonly string[] | null = null;
    if (request.fetchSegments) {
      const { userId, fetchSegmentsOptions } = request;
      const cacheName = exchange.header(CACHE_HEADER);
      segments = (await client.odp?.segmentsOf(userId, fetchSegmentsOptions, cacheName)) ?? null;
      if (segments === null) return exchange.error(500, NO_SEGMENTS);
    }
    if (!needsPrediction(client, keys)) {
      const bySdk = sdkDecision(held, request, segments);
      const text = await decidePlain(client, request, keys, { turns, exchange, segments, bySdk });
      if (text !== null) return exchange.jsonReady(200, text);
    }
    const user = userContext(client.sdk, request);
    if (segments !== null) user.qualifiedSegments = [...segments];
    const known = knownUser(held, request, segments);
    const count = keys.length === 0 ? client.flagKeys.length : keys.length;
    exchange.hold(userText(request).length * count);
    exchange.json(
      200,
      await telling(held, request, known, () => answer(turns, user, held, request, keys, known)),
    );
  } finally {
    client.release();
  }
}

async function answer(
  turns: Turns,
  user: UserContext,
  held: Held<FlagClient>,
  request: DecideRequest,
  keys: readonly string[],
  about: KnownUser,
): Promise<unknown> {
  const { predicted } = held.built;
  const options = request.decideOptions as unknown as DecideOptions;
  // One prediction for each flag, also where it is named twice.
  const known = [...new Set(keys)].filter((key) => !isPrototypeKey(key));
  const decide = async (): Promise<Readonly<Record<string, Decision>>> => {
    if (keys.length !== 1)
      return decidePredictedFlags(turns, user, keys.length === 0 ? held.built.flagKeys : known, options);
    // Of a single flag the SDK also says when it is off, whatever the options.
    return Object.fromEntries(
      await Promise.all(known.map(async (key) => [key, await user.decideAsync(key, options)] as const)),
    );
  };
  const made = predicted === null ? { value: await decide(), ...NONE } : await predicted.cmab.traced(decide);
  const plain = (decision: Decision) => {
    const told =
      withFailure(decision, predicted, made.unknown) ?? withReasons(held, request, decision, about);
    return {
      ...plainDecision(told, request, held.built),
      cmabUUID: predictionId(decision, predicted, made.ids),
    };
  };
  const [only] = Object.values(made.value);
  if (keys.length === 1) return only === undefined ? unknownFlag(keys[0] as string, request) : plain(only);
  const unknown = unlisted(keys, request).map((key) => unknownFlag(key, request));
  return [...listed(made.value, request).map(plain), ...unknown];
}

/** Undefined, and so left out, where no prediction gave the variation. */
function predictionId(
  { flagKey, ruleKey, variationKey }: Decision,
  predicted: Predicted | null,
  ids: PredictionIds,
): string | undefined {
  if (variationKey === null || ruleKey === null) return undefined;
  return ids.get(predicted?.rules.byFlag.get(flagKey)?.get(ruleKey) ?? '');
}
