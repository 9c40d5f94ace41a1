// Bodies that are not said to be JSON, refused. By the routes about users, not by the server: as in the original a bad SDK
// key is told first.

import { isJson } from './content-type.ts';
import type { Exchange } from './exchange.ts';
import type { FlagHandler } from './with-datafile.ts';

export const jsonOnly =
  (handle: FlagHandler): FlagHandler =>
  (exchange, held) => {
    if (isJson(exchange.header('content-type')) || hasNoBody(exchange)) return handle(exchange, held);
    return exchange.empty(415);
  };

/** Nothing to be of a wrong type. */
const hasNoBody = (exchange: Exchange): boolean =>
  exchange.body.byteLength === 0 && exchange.header('transfer-encoding') === '';
