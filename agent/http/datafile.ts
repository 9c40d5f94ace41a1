// GET /v1/datafile: the exact bytes that Optimizely served, with the hash as ETag.

import type { FlagClient } from '../clients.ts';
import type { Held } from '../store.ts';
import type { Exchange } from './exchange.ts';

export function datafile(exchange: Exchange, held: Held<FlagClient>): void {
  const etag = `"${held.sha256}"`;
  exchange.headers.ETag = etag;
  if (matches(exchange.header('if-none-match'), etag)) exchange.empty(304);
  else exchange.jsonReady(200, held.body);
}

/** `If-None-Match` may list several, weak ones too; for a GET they compare the same. */
const matches = (header: string, etag: string): boolean =>
  header === '*' || header.split(',').some((candidate) => candidate.trim().replace(/^W\//, '') === etag);
