// OpenFeature's remote evaluation protocol, so that its standard providers work against an agent: one flag, and all flags
// with an ETag. The SDK key comes as in the original's routes, as the protocol's own X-API-Key, or as its bearer token where
// the API asks for no tokens of its own.

import { createHash } from 'node:crypto';
import type { UserLimits } from '../../config/front-door-types.ts';
import type { Held } from '../../datafiles/store.ts';
import type { FlagClient } from '../../decisions/flag-client.ts';
import { OFREP_REFUSALS } from '../door/key-refusals.ts';
import type { Bounds } from '../door/user-limits.ts';
import { bearerToken, type FlagDeps, type KeyProtocol, withDatafile } from '../door/with-datafile.ts';
import { forUser, type ProfileDeps, type UserHandler } from '../door/with-profiles.ts';
import { answerCompressed, namesEtag } from '../kernel/compressed.ts';
import type { Exchange } from '../kernel/exchange.ts';
import type { Turns } from '../kernel/turns.ts';
import type { BESIDE_OPERATIONS, Handlers } from '../routes.ts';
import { evaluateAll, evaluateOne, metadataOf } from './decide.ts';
import { isOfrepError, type OfrepContext, type OfrepError, parseContext } from './request.ts';
import type { Evaluation } from './value.ts';

const FLAGS_PATH = '/ofrep/v1/evaluate/flags';
const ALL = `POST ${FLAGS_PATH}` as const;
const ONE = `POST ${FLAGS_PATH}/*` as const;

export interface OfrepDeps extends FlagDeps {
  /** Whether a bearer token is the SDK key; false where tokens say who may ask. */
  readonly isBearerKey: boolean;
  readonly bounds: Bounds;
  readonly profiles: ProfileDeps;
}

export function ofrepHandlers(
  deps: OfrepDeps,
): Pick<Handlers<typeof BESIDE_OPERATIONS>, typeof ONE | typeof ALL> {
  const { bounds, profiles } = deps;
  const protocol = protocolOf(deps.isBearerKey);
  const read = (exchange: Exchange) => contextIn(exchange, bounds.limits);
  const handler = (handle: UserHandler<OfrepContext>) =>
    withDatafile(deps, forUser(profiles, read, handle), protocol);
  return {
    [ALL]: handler((exchange, held, context) => all(bounds.turns, exchange, held, context)),
    [ONE]: handler(one),
  };
}

function contextIn(exchange: Exchange, limits: UserLimits): OfrepContext | null {
  const context = parseContext(exchange.body, limits);
  if (!isOfrepError(context)) return context;
  exchange.json(400, { ...keyOf(exchange), ...context });
  return null;
}

function one(exchange: Exchange, held: Held<FlagClient>, context: OfrepContext): void | Promise<void> {
  const key = keyIn(exchange.path);
  const respond = (evaluation: Evaluation | null) =>
    evaluation === null ? exchange.json(404, { key, ...notFound(key) }) : exchange.json(200, evaluation);
  const evaluated = evaluateOne(held, context, key);
  return evaluated instanceof Promise ? evaluated.then(respond) : respond(evaluated);
}

function all(
  turns: Turns,
  exchange: Exchange,
  held: Held<FlagClient>,
  context: OfrepContext,
): void | Promise<void> {
  const evaluated = evaluateAll(held, context, { turns, asker: exchange });
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

const protocolOf = (isBearerKey: boolean): KeyProtocol => ({
  keyIn: (exchange) => {
    const named = exchange.header('x-optimizely-sdk-key') || exchange.header('x-api-key');
    return named !== '' || !isBearerKey ? named : (bearerToken(exchange) ?? '');
  },
  refusals: OFREP_REFUSALS,
  refuse: (exchange, { status, message: errorDetails }) => {
    if (status === 401) exchange.headers['WWW-Authenticate'] = 'Bearer';
    exchange.json(status, { ...keyOf(exchange), errorCode: 'GENERAL', errorDetails });
  },
});

/** Errors about one flag name it. */
function keyOf(exchange: Exchange): { readonly key?: string } {
  const key = keyIn(exchange.path);
  return key === '' ? {} : { key };
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
