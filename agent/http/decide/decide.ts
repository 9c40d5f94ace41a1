// POST /v1/decide: one flag, several, or all, for one user, in the words of the original.

import type { UserLimits } from '../../config/front-door-types.ts';
import type { Held } from '../../datafiles/store.ts';
import { UserDecisions } from '../../decisions/decide.ts';
import type { FlagClient } from '../../decisions/flag-client.ts';
import { decisionText, type FlagDecision, userText } from '../../decisions/flags/decision.ts';
import { type Bounds, keysProblem } from '../door/user-limits.ts';
import type { FlagHandler } from '../door/with-datafile.ts';
import { forUser, type ProfileDeps } from '../door/with-profiles.ts';
import type { Exchange } from '../kernel/exchange.ts';
import type { Turns } from '../kernel/turns.ts';
import { contextOf } from './notifications.ts';
import { knownUser, withReasons } from './reasons.ts';
import { type DecideRequest, parseDecideRequest } from './request.ts';

const CACHE_HEADER = 'x-optimizely-odp-cache-name';
const NO_SEGMENTS = 'failed to fetch qualified segments';

interface Question {
  readonly exchange: Exchange;
  readonly held: Held<FlagClient>;
  readonly request: DecideRequest;
  /** Of flags; none: all of them. */
  readonly keys: readonly string[];
}

export const decideHandler = (bounds: Bounds, profiles: ProfileDeps | null = null): FlagHandler =>
  forUser(
    profiles,
    (exchange) => read(exchange, bounds.limits),
    (exchange, held, request) => {
      const question = { exchange, held, request, keys: exchange.query('keys') };
      return request.fetchSegments
        ? answerLate(question, bounds.turns)
        : answer(question, bounds.turns, null);
    },
  );

function read(exchange: Exchange, limits: UserLimits): DecideRequest | null {
  const request = parseDecideRequest(exchange.body, limits);
  const problem = typeof request === 'string' ? request : keysProblem(exchange.query('keys'), limits);
  if (problem === null) return request as DecideRequest;
  exchange.error(400, problem);
  return null;
}

/** Asks for the user's segments first. */
function answerLate(question: Question, turns: Turns): void | Promise<void> {
  const { exchange, held, request } = question;
  const client = held.built;
  return client.use(async () => {
    const { userId, fetchSegmentsOptions } = request;
    const cacheName = exchange.header(CACHE_HEADER);
    const segments = (await client.odp?.segmentsOf(userId, fetchSegmentsOptions, cacheName)) ?? null;
    if (segments === null) return exchange.error(500, NO_SEGMENTS);
    return answer(question, turns, segments);
  });
}

/** One key gives an object; several, or none for all, a list. */
function answer(
  { exchange, held, request, keys }: Question,
  turns: Turns,
  segments: readonly string[] | null,
): void | Promise<void> {
  const client = held.built;
  const known = knownUser(held, request, segments);
  const context = client.isHeard ? contextOf(held, request, known) : null;
  const decisions = new UserDecisions(client, request, { context, segments });
  const who = userText(request.userId, request.userAttributes);
  const hasVariables = !request.decideOptions.includes('EXCLUDE_VARIABLES');
  const text = (decision: FlagDecision): string =>
    decisionText(withReasons(held, request, decision, known), who, hasVariables);
  const [only] = keys;
  if (keys.length === 1 && only !== undefined) {
    const respond = (decision: FlagDecision) => exchange.jsonReady(200, text(decision));
    const decision = decisions.one(only);
    return decision instanceof Promise ? decision.then(respond) : respond(decision);
  }
  const isShort = request.decideOptions.includes('ENABLED_FLAGS_ONLY');
  const flagKeys = only === undefined ? client.flagKeys : [...new Set(keys)];
  // The answer, or the events, hold the user once for each decision.
  exchange.hold(who.length * flagKeys.length);
  let list = '';
  const decided = decisions.each(flagKeys, { turns, asker: exchange }, (decision) => {
    if (isShort && !decision.enabled) return;
    list += list === '' ? text(decision) : `,${text(decision)}`;
    exchange.hold(list.length);
  });
  const respond = () => exchange.jsonReady(200, `[${list}]`);
  return decided === undefined ? respond() : decided.then(respond);
}
