// GET /datafiles/<sdkKey>.json: what Optimizely's CDN would answer, so that SDKs and stock Agents can be fed from here by
// a URL template alone. Exact bytes, ETag, Last-Modified, 304; a secure environment needs its token.

import type { KeyRefusal } from '../../datafiles/keys/keys.ts';
import type { Held } from '../../datafiles/store.ts';
import type { FlagClient } from '../../decisions/flag-client.ts';
import { bearerToken, heldFor, namesEtag, pathOf } from '../door/key-request.ts';
import { type FlagDeps, headersOf } from '../door/with-datafile.ts';
import { answerKept } from '../kernel/compressed.ts';
import type { Exchange } from '../kernel/exchange.ts';
import type { Route } from '../kernel/route.ts';

/** `auth/` as in the CDN's own address for secure environments. */
const PATH = /^\/datafiles\/(?:auth\/)?([^/]+)\.json$/;
/** For so long after a change, another one may still come with the same second in `Last-Modified`. */
export const SETTLING_MS = 10_000;

const REFUSALS: Readonly<Record<KeyRefusal, readonly [status: number, message: string]>> = {
  missing: [404, 'no SDK key in the path'],
  malformed: [404, 'not an SDK key'],
  denied: [403, 'no datafile for this SDK key and token'],
  'not-found': [503, 'the datafile of this SDK key could not be fetched'],
  'too-many': [503, 'no more SDK keys can be loaded on demand'],
};

export interface DatafileFileDeps extends FlagDeps {
  readonly nowMs: () => number;
}

export function datafileFileRoutes(deps: DatafileFileDeps): readonly Route[] {
  const handle = (exchange: Exchange): void | Promise<void> => {
    const token = bearerToken(exchange.header('authorization'));
    const sdkKey = sdkKeyIn(pathOf(exchange));
    const found = heldFor(deps, token === null ? sdkKey : `${sdkKey}:${token}`, exchange.client);
    if (!(found instanceof Promise)) return answer(exchange, found, token, deps.nowMs());
    return found.then((held) =>
      typeof held === 'string' ? refuse(exchange, held) : answer(exchange, held, token, deps.nowMs()),
    );
  };
  return [{ method: 'GET', path: '/datafiles/*', handle }];
}

function answer(
  exchange: Exchange,
  held: Held<FlagClient>,
  token: string | null,
  nowMs: number,
): void | Promise<void> {
  exchange.ready = headersOf(held);
  exchange.datafile = held;
  const modified = lastModifiedOf(held, nowMs);
  const { headers } = exchange;
  headers['Last-Modified'] = modified;
  headers['Cache-Control'] = token === null ? 'no-cache' : 'private, no-cache';
  return answerKept(exchange, held.sha256, held.body, (etag) => unchanged(exchange, etag, modified));
}

/** The ETag decides where one is sent. A date must be the very one: clients of a stale agent may hold a later one. */
function unchanged(exchange: Exchange, etag: string, modified: string): boolean {
  const ifNoneMatch = exchange.header('if-none-match');
  return ifNoneMatch === ''
    ? exchange.header('if-modified-since') === modified
    : namesEtag(ifNoneMatch, etag);
}

/**
 * Seconds are too coarse to tell two quick changes apart. While a second one may still come, the second before is named,
 * so that whoever fetched the first is given the last once both have settled.
 */
function lastModifiedOf({ lastModifiedMs, receivedAtMs }: Held<FlagClient>, nowMs: number): string {
  const changedAtMs = lastModifiedMs ?? receivedAtMs;
  const settling = nowMs - changedAtMs < SETTLING_MS;
  return new Date(changedAtMs - (settling ? 1_000 : 0)).toUTCString();
}

/** What is refused as malformed. */
const NO_KEY = ' ';

/** Empty when there is none. A token has no place in a path, where every log would show it. */
function sdkKeyIn(path: string): string {
  const encoded = PATH.exec(path)?.[1] ?? '';
  try {
    const sdkKey = decodeURIComponent(encoded);
    return sdkKey.includes(':') ? NO_KEY : sdkKey;
  } catch {
    return NO_KEY; // A broken escape.
  }
}

function refuse(exchange: Exchange, refusal: KeyRefusal): void {
  const [status, message] = REFUSALS[refusal];
  if (status === 503) exchange.headers['Retry-After'] = '5';
  exchange.error(status, message);
}
