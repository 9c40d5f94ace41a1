// GET /v1/config: the project as the SDK describes it (OptimizelyConfig).

import type { FlagClient } from '../clients.ts';
import { VERSION } from '../release.ts';
import type { Held } from '../store.ts';
import type { Exchange } from './exchange.ts';
import { namesEtag } from './key-request.ts';

export function config(exchange: Exchange, held: Held<FlagClient>): void {
  // The same for the same datafile, but other releases may describe it otherwise.
  const etag = `"${VERSION}-${held.sha256}"`;
  exchange.headers.ETag = etag;
  if (namesEtag(exchange.header('if-none-match'), etag)) exchange.empty(304);
  else exchange.jsonReady(200, held.built.configJson());
}
