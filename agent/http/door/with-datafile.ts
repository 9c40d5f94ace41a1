// The door that every request with an SDK key passes: finds the key's datafile, and says in the headers of each answer which one it is.
// Where a request carries the key, and how a refusal is worded, is its protocol's.

import type { FoundKey, KeyFinder, KeyRefusal } from '../../datafiles/keys/keys.ts';
import type { Held, Store } from '../../datafiles/store.ts';
import type { FlagClient } from '../../decisions/flag-client.ts';
import type { Exchange, HeaderList } from '../kernel/exchange.ts';
import { type KeyRefusals, REST_REFUSALS } from './key-refusals.ts';

export interface FlagDeps {
  readonly keys: KeyFinder;
  readonly store: Store<FlagClient>;
}

/** A promise only where the answer has to wait. */
export type FlagHandler = (exchange: Exchange, held: Held<FlagClient>) => void | Promise<void>;

export interface KeyProtocol {
  /** `sdkKey` or `sdkKey:token`; empty where the request names none. */
  readonly keyIn: (exchange: Exchange) => string;
  readonly refusals: KeyRefusals;
  readonly refuse: (exchange: Exchange, refused: RefusedKey) => void;
}

export interface RefusedKey {
  readonly refusal: KeyRefusal;
  readonly status: number;
  readonly message: string;
}

/** The original's, which names the SDK key of a datafile that could not be fetched, but never its token. */
const REST: KeyProtocol = {
  keyIn: (exchange) => exchange.header('x-optimizely-sdk-key'),
  refusals: REST_REFUSALS,
  refuse: (exchange, { refusal, status, message }) => {
    const [sdkKey] = REST.keyIn(exchange).split(':', 1);
    exchange.error(status, refusal === 'not-found' ? `${message}: ${sdkKey}` : message);
  },
};

/** Calls `handle` with the datafile of the key that the request names, at once when the agent has it already. */
export function withDatafile({ keys, store }: FlagDeps, handle: FlagHandler, protocol: KeyProtocol = REST) {
  const refuse = (exchange: Exchange, refusal: KeyRefusal): void => {
    const [status, message] = protocol.refusals[refusal];
    exchange.isTimed = false;
    protocol.refuse(exchange, { refusal, status, message });
  };
  const serve = (exchange: Exchange, { sdkKey }: FoundKey): void | Promise<void> => {
    const held = store.get(sdkKey);
    if (held === null) return refuse(exchange, 'not-found');
    exchange.ready = datafileHeaders(held);
    exchange.datafile = held;
    return handle(exchange, held);
  };
  return (exchange: Exchange): void | Promise<void> => {
    const key = protocol.keyIn(exchange);
    const known = keys.resolved(key);
    if (known !== undefined && store.get(known.sdkKey) !== null) return serve(exchange, known);
    return keys
      .resolve(key, exchange.client)
      .then((found) => (typeof found === 'string' ? refuse(exchange, found) : serve(exchange, found)));
  };
}

const written = new WeakMap<Held<FlagClient>, HeaderList>();

/** The same for all answers from one datafile. */
function datafileHeaders(held: Held<FlagClient>): HeaderList {
  let headers = written.get(held);
  if (headers === undefined) {
    const { revision, seq, lineage } = held;
    headers = [
      'X-Datafile-Revision',
      String(revision),
      'X-Datafile-Seq',
      String(seq),
      'X-Datafile-Lineage',
      lineage,
    ];
    written.set(held, headers);
  }
  return headers;
}

const BEARER = /^Bearer +(\S+) *$/i;

/** The token of a request's `Authorization` header; null when it has none. */
export const bearerToken = (exchange: Exchange): string | null =>
  BEARER.exec(exchange.header('authorization'))?.[1] ?? null;
