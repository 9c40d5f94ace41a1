// GET /datafiles/<sdkKey>.json: what Optimizely's CDN would answer, so that SDKs and stock Agents can be fed from here by
// a URL template alone. Exact bytes, ETag, Last-Modified, 304; a secure environment needs its token.

import type { Held } from '../../datafiles/store.ts';
import type { FlagClient } from '../../decisions/flag-client.ts';
import { CDN_REFUSALS } from '../door/key-refusals.ts';
import { bearerToken, type FlagDeps, type KeyProtocol, withDatafile } from '../door/with-datafile.ts';
import { answerKept, namesEtag } from '../kernel/compressed.ts';
import type { Exchange } from '../kernel/exchange.ts';

/** `auth/` as in the CDN's own address for secure environments. */
const PATH = /^\/datafiles\/(?:auth\/)?([^/]+)\.json$/;
/** For so long after a change, another one may still come with the same second in `Last-Modified`. */
export const SETTLING_MS = 10_000;

export interface DatafileFileDeps extends FlagDeps {
  readonly nowMs: () => number;
}

/** A token comes as a bearer, as the CDN takes it. */
const CDN: KeyProtocol = {
  keyIn: (exchange) => {
    const token = bearerToken(exchange);
    const sdkKey = sdkKeyIn(exchange.path);
    return token === null ? sdkKey : `${sdkKey}:${token}`;
  },
  refusals: CDN_REFUSALS,
  refuse: (exchange, { status, message }) => {
    if (status === 503) exchange.headers['Retry-After'] = '5';
    exchange.error(status, message);
  },
};

export const datafileFile = (deps: DatafileFileDeps) =>
  withDatafile(deps, (exchange, held) => answer(exchange, held, deps.nowMs()), CDN);

function answer(exchange: Exchange, held: Held<FlagClient>, nowMs: number): void | Promise<void> {
  const modified = lastModifiedOf(held, nowMs);
  const { headers } = exchange;
  headers['Last-Modified'] = modified;
  headers['Cache-Control'] = bearerToken(exchange) === null ? 'no-cache' : 'private, no-cache';
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
 * so that a client which fetched the first is given the last once both have settled.
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
