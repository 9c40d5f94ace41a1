// What all routes about flags have in common: the SDK key header, its refusals, and the headers that say which
// datafile an answer was made from.

import type { FoundKey, KeyFinder, KeyRefusal } from '../../datafiles/keys/keys.ts';
import type { Held, Store } from '../../datafiles/store.ts';
import type { FlagClient } from '../../decisions/flag-client.ts';
import type { Exchange, HeaderList } from '../kernel/exchange.ts';

const SDK_KEY_HEADER = 'x-optimizely-sdk-key';

/** As the original words them, so that clients which look at the text go on working. */
const REFUSALS: Readonly<Record<KeyRefusal, readonly [status: number, message: string]>> = {
  missing: [400, 'missing required X-Optimizely-SDK-Key header'],
  malformed: [400, 'sdkKey failed validation'],
  denied: [403, 'unable to fetch fresh datafile (consider rechecking SDK key), status code: 403 Forbidden'],
  'not-found': [500, 'failed to instantiate Optimizely for SDK Key'],
  'too-many': [503, 'no more SDK keys can be loaded on demand; list this one in OPTIMIZELY_SDKKEYS'],
};

export interface FlagDeps {
  readonly keys: KeyFinder;
  readonly store: Store<FlagClient>;
}

/** A promise only where the answer has to wait for somebody else. */
export type FlagHandler = (exchange: Exchange, held: Held<FlagClient>) => void | Promise<void>;

/** Calls `handle` with the datafile of the key that the request names, at once when the agent has it already. */
export function withDatafile({ keys, store }: FlagDeps, handle: FlagHandler) {
  const serve = (exchange: Exchange, key: FoundKey): void | Promise<void> => {
    const held = store.get(key.sdkKey);
    if (held === null) {
      refuse(exchange, 'not-found', key.sdkKey);
      return;
    }
    exchange.ready = headersOf(held);
    exchange.datafile = held;
    return handle(exchange, held);
  };
  return (exchange: Exchange): void | Promise<void> => {
    const header = exchange.header(SDK_KEY_HEADER);
    const known = keys.resolved(header);
    if (known !== undefined && store.get(known.sdkKey) !== null) return serve(exchange, known);
    return keys.resolve(header, exchange.client).then((found) => {
      if (typeof found !== 'string') return serve(exchange, found);
      refuse(exchange, found, header);
    });
  };
}

const written = new WeakMap<Held<FlagClient>, HeaderList>();

/** The same for all answers from one datafile. */
export function headersOf(held: Held<FlagClient>): HeaderList {
  let headers = written.get(held);
  if (headers === undefined) {
    const { revision, seq, lineage } = held;
    headers = [
      ...['X-Datafile-Revision', String(revision)],
      ...['X-Datafile-Seq', String(seq)],
      ...['X-Datafile-Lineage', lineage],
    ];
    written.set(held, headers);
  }
  return headers;
}

/** @param header what was asked for; of it only the SDK key is told */
function refuse(exchange: Exchange, refusal: KeyRefusal, header: string): void {
  const [status, message] = REFUSALS[refusal];
  exchange.isTimed = false;
  exchange.error(status, refusal === 'not-found' ? `${message}: ${header.split(':', 1)[0]}` : message);
}
