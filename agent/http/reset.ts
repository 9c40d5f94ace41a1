// POST /v1/reset: for tests. Forgets what users left behind at a key (overrides, profiles kept here, caches); the datafile
// stays, as there is nothing to forget in it.

import type { FlagClient } from '../clients.ts';
import type { Held } from '../store.ts';
import { answer } from './answer.ts';
import type { FlagHandler } from './with-datafile.ts';

export function resetHandler(forget: (held: Held<FlagClient>) => void): FlagHandler {
  return (exchange, held) => {
    forget(held);
    answer(exchange, 200, { result: true });
  };
}
