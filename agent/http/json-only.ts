// Bodies that are not said to be JSON, refused. By the routes about users, not by the server: as in the original a bad SDK
// key is told first.

import { isJson } from './batch-replay.ts';
import type { Exchange } from './exchange.ts';
import type { FlagHandler } from './with-datafile.ts';

const JSON_TYPE = 'application/json';

export const jsonOnly =
  (handle: FlagHandler): FlagHandler =>
  (exchange, held) => {
    const type = exchange.header('content-type');
    if (type === JSON_TYPE || isJson(type) || hasNoBody(exchange)) return handle(exchange, held);
    return exchange.empty(415);
  };

/** Nothing to be of a wrong type. */
const hasNoBody = (exchange: Exchange): boolean =>
  exchange.body.byteLength === 0 && exchange.header('transfer-encoding') === '';
