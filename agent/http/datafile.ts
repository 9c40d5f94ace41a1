// GET /v1/datafile: the exact bytes that Optimizely served, with the hash as ETag.

import type { FlagClient } from '../flag-client.ts';
import type { Held } from '../store.ts';
import type { Exchange } from './exchange.ts';
import { namesEtag } from './key-request.ts';

export function datafile(exchange: Exchange, held: Held<FlagClient>): void {
  const etag = `"${held.sha256}"`;
  exchange.headers.ETag = etag;
  if (namesEtag(exchange.header('if-none-match'), etag)) exchange.empty(304);
  else exchange.jsonReady(200, held.body);
}
