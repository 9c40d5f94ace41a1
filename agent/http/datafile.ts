// GET /v1/datafile: the exact bytes that Optimizely served, with the hash as ETag.

import type { FlagClient } from '../flag-client.ts';
import type { Held } from '../store.ts';
import { answerKept } from './compressed.ts';
import type { Exchange } from './exchange.ts';

export const datafile = (exchange: Exchange, held: Held<FlagClient>): void | Promise<void> =>
  answerKept(exchange, held.sha256, held.body);
