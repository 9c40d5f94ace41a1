// OpenFeature's remote evaluation protocol, so that its standard providers work against an agent: one flag, and all flags
// with an ETag. The SDK key comes as in the original's routes, as the protocol's own X-API-Key, or as its bearer token where
// the API asks for no tokens of its own.

import { createHash } from 'node:crypto';
import type { KeyRefusal } from '../../datafiles/keys/keys.ts';
import type { Held } from '../../datafiles/store.ts';
import type { FlagClient } from '../../decisions/flag-client.ts';
import { bearerToken, heldFor, namesEtag, pathOf } from '../door/key-request.ts';
import type { Bounds } from '../door/user-limits.ts';
import { type FlagDeps, type FlagHandler, headersOf } from '../door/with-datafile.ts';
import { answerCompressed } from '../kernel/compressed.ts';
import type { Exchange } from '../kernel/exchange.ts';
import type { Route } from '../kernel/route.ts';
import { evaluateAll, evaluateOne, metadataOf } from './decide.ts';
import { isOfrepError, type OfrepError, parseContext } from './request.ts';
import type { Evaluation } from './value.ts';

const FLAGS_PATH = '/ofrep/v1/evaluate/flags';

/** 401 and 403 are errors of their own in the protocol's clients. */
const REFUSALS: Readonly<Record<KeyRefusal, readonly [status: number, details: string]>> = {
  missing: [401, 'missing SDK key: send it as X-API-Key, X-Optimizely-SDK-Key or a bearer token'],
  malformed: [401, 'the SDK key is malformed'],
  denied: [403, 'no datafile for this SDK key and token'],
  'not-found': [500, 'the datafile of this SDK key could not be fetched'],
  'too-many': [500, 'no more SDK keys can be loaded on demand'],
};

export interface OfrepDeps extends FlagDeps {
  /** Whether a bearer token is the SDK key; false where tokens say who may ask. */
  readonly isBearerKey: boolean;
  readonly bounds: Bounds;
  /** Gives a route that decides the user profile of its request. */
  readonly withProfiles: (handle: FlagHandler, userIdOf: (exchange: Exchange) => string) => FlagHandler;
}

export function ofrepRoutes(deps: OfrepDeps): readonly Route[] {
  const { bounds } = deps;
  const userIdOf = (exchange: Exchange) => userIdIn(exchange, bounds);
  const route = (handle: FlagHandler) => withHeld(deps, deps.withProfiles(handle, userIdOf));
  return [
    { method: 'POST', path: FLAGS_PATH, handle: route((exchange, held) => all(bounds, exchange, held)) },
    {
      method: 'POST',
      path: `${FLAGS_PATH}/*`,
      handle: route((exchange, held) => one(bounds, exchange, held)),
    },
  ];
}

function one({ limits }: Bounds, exchange: Exchange, held: Held<FlagClient>): void | Promise<void> {
  const key = keyIn(pathOf(exchange));
  const context = parseContext(exchange.body, limits);
  if (isOfrepError(context)) {
    exchange.json(400, { key, ...context });
    return;
  }
  const respond = (evaluation: Evaluation | null) =>
    evaluation === null ? exchange.json(404, { key, ...notFound(key) }) : exchange.json(200, evaluation);
  const evaluated = evaluateOne(held, context, key);
  return evaluated instanceof Promise ? evaluated.then(respond) : respond(evaluated);
}

function all(bounds: Bounds, exchange: Exchange, held: Held<FlagClient>): void | Promise<void> {
  const context = parseContext(exchange.body, bounds.limits);
  if (isOfrepError(context)) {
    exchange.json(400, context);
    return;
  }
  const evaluated = evaluateAll(held, context, { turns: bounds.turns, asker: exchange });
  const respond = (flags: readonly Evaluation[]) => respondAll(exchange, held, flags);
  return evaluated instanceof Promise ? evaluated.then(respond) : respond(evaluated);
}

function respondAll(
  exchange: Exchange,
  held: Held<FlagClient>,
  evaluations: readonly Evaluation[],
): void | Promise<void> {
  const flags = JSON.stringify(evaluations);
  // Of the flags alone, and weak for that: a new revision that changes none of them for this user is no news to them.
  const etag = `"${createHash('sha256').update(flags).digest('hex')}"`;
  exchange.headers.ETag = `W/${etag}`;
  if (!namesEtag(exchange.header('if-none-match'), etag)) {
    const body = `{"flags":${flags},"metadata":${JSON.stringify(metadataOf(held))}}`;
    return answerCompressed(exchange, Buffer.from(body));
  }
  exchange.varyBy('Accept-Encoding');
  exchange.empty(304);
}

const notFound = (key: string): OfrepError => ({
  errorCode: 'FLAG_NOT_FOUND',
  errorDetails: `no flag, or no variable of it, has the key "${key.slice(0, 200)}"`,
});

function withHeld(deps: OfrepDeps, handle: FlagHandler) {
  const answer = (exchange: Exchange, held: Held<FlagClient>): void | Promise<void> => {
    exchange.ready = headersOf(held);
    exchange.datafile = held;
    return handle(exchange, held);
  };
  return (exchange: Exchange): void | Promise<void> => {
    const found = heldFor(deps, sdkKeyIn(exchange, deps.isBearerKey), exchange.client);
    if (!(found instanceof Promise)) return answer(exchange, found);
    return found.then((held) => (typeof held === 'string' ? refuse(exchange, held) : answer(exchange, held)));
  };
}

/** Empty when the request names none. */
function sdkKeyIn(exchange: Exchange, isBearerKey: boolean): string {
  const named = exchange.header('x-optimizely-sdk-key') || exchange.header('x-api-key');
  if (named !== '' || !isBearerKey) return named;
  return bearerToken(exchange.header('authorization')) ?? '';
}

function refuse(exchange: Exchange, refusal: KeyRefusal): void {
  const [status, errorDetails] = REFUSALS[refusal];
  const key = keyIn(pathOf(exchange));
  if (status === 401) exchange.headers['WWW-Authenticate'] = 'Bearer';
  exchange.json(status, { ...(key === '' ? {} : { key }), errorCode: 'GENERAL', errorDetails });
}

/** Empty where the request is refused anyway. */
function userIdIn(exchange: Exchange, { limits }: Bounds): string {
  const context = parseContext(exchange.body, limits);
  return isOfrepError(context) ? '' : context.userId;
}

/** The flag key that a path ends with; as it is when it is not escaped properly. Empty for all flags. */
function keyIn(path: string): string {
  const encoded = path.slice(FLAGS_PATH.length + 1);
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded; // No flag has such a key.
  }
}
