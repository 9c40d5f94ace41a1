// Bodies that are not said to be JSON, or are too large for one user, refused. By the routes about users, not by the server: as in the original a bad SDK
// key is told first.

import type { UserLimits } from '../../config/front-door-types.ts';
import { isJson } from '../kernel/content-type.ts';
import type { Exchange } from '../kernel/exchange.ts';
import { bodyProblem } from './user-limits.ts';
import type { FlagHandler } from './with-datafile.ts';

export const jsonOnly =
  (limits: UserLimits, handle: FlagHandler): FlagHandler =>
  (exchange, held) => {
    const problem = bodyProblem(exchange.body, limits);
    if (problem !== null) return exchange.error(413, problem);
    if (isJson(exchange.header('content-type')) || hasNoBody(exchange)) return handle(exchange, held);
    return exchange.empty(415);
  };

/** Nothing to be of a wrong type. */
const hasNoBody = (exchange: Exchange): boolean =>
  exchange.body.byteLength === 0 && exchange.header('transfer-encoding') === '';
