// GET /v1/config: the project as the SDK describes it (OptimizelyConfig).

import type { FlagClient } from '../clients.ts';
import type { Held } from '../store.ts';
import type { Exchange } from './exchange.ts';

export function config(exchange: Exchange, held: Held<FlagClient>): void {
  exchange.jsonReady(200, held.built.configJson());
}
