// GET /v1/datafile: the exact bytes that Optimizely served, with the hash as ETag.

import type { Held } from '../../datafiles/store.ts';
import type { FlagClient } from '../../decisions/flag-client.ts';
import { answerKept } from '../kernel/compressed.ts';
import type { Exchange } from '../kernel/exchange.ts';

export const datafile = (exchange: Exchange, held: Held<FlagClient>): void | Promise<void> =>
  answerKept(exchange, held.sha256, held.body);
