// Compressed answers for clients that take them. What is made once per revision is compressed once and kept as long as its
// body; in Node's thread pool, so that decisions do not wait for it.

import { promisify } from 'node:util';
import { brotliCompress, constants, gzip, zstdCompress } from 'node:zlib';
import type { Exchange } from './exchange.ts';

export type Coding = 'br' | 'zstd' | 'gzip';

/** Smaller ones fit into one packet as they are. */
export const COMPRESSED_BYTES_MIN = 1_400;
/** Brings a datafile of 247 KB down to 22 KB in 3 ms; the highest, 11, takes 450 ms for 17 KB. */
const BROTLI_QUALITY = 5;

const brotli = promisify(brotliCompress);
const COMPRESS: Readonly<Record<Coding, (body: Uint8Array) => Promise<Uint8Array>>> = {
  br: (body) =>
    brotli(body, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
        [constants.BROTLI_PARAM_SIZE_HINT]: body.byteLength,
      },
    }),
  zstd: promisify(zstdCompress),
  gzip: promisify<Uint8Array, Uint8Array>(gzip),
};
/** What is taken where the client likes several equally. */
const CODINGS: readonly Coding[] = ['br', 'zstd', 'gzip'];

/**
 * JSON that is the same until its hash changes: 304 where the client has it already.
 * @param hash of what all codings stand for
 * @param body the same object as long as the hash is the same, as what is compressed is kept by it
 */
export function answerKept(
  exchange: Exchange,
  hash: string,
  body: Uint8Array,
  isUnchanged = (etag: string) => namesEtag(exchange.header('if-none-match'), etag),
): void | Promise<void> {
  const etag = `"${hash}"`;
  // A strong ETag names exact bytes, which differ by coding (RFC 9110, 8.8.1). If-None-Match compares weakly, so that
  // clients are told "unchanged" also where they asked for another coding before.
  exchange.headers.ETag = codingOf(exchange, body) === null ? etag : `W/${etag}`;
  if (!isUnchanged(etag)) return answerCompressed(exchange, body, true);
  exchange.varyBy('Accept-Encoding');
  exchange.empty(304);
}

/**
 * 200 with JSON, compressed where the client takes that and it is worth it.
 * @param isKept the body is kept in any case, and costs nothing while a client takes it
 */
export function answerCompressed(exchange: Exchange, body: Uint8Array, isKept = false): void | Promise<void> {
  const send = (bytes: Uint8Array) => (isKept ? exchange.shared(200, bytes) : exchange.jsonReady(200, bytes));
  exchange.varyBy('Accept-Encoding');
  const coding = codingOf(exchange, body);
  if (coding === null) {
    send(body);
    return;
  }
  const answer = (compressed: Uint8Array): void => {
    exchange.headers['Content-Encoding'] = coding;
    send(compressed);
  };
  const compressed = compressedOf(body, coding);
  return compressed instanceof Promise ? compressed.then(answer) : answer(compressed);
}

const codingOf = (exchange: Exchange, body: Uint8Array): Coding | null =>
  body.byteLength < COMPRESSED_BYTES_MIN ? null : codingFor(exchange.header('accept-encoding'));

const kept = new WeakMap<Uint8Array, Map<Coding, Uint8Array | Promise<Uint8Array>>>();

/** The same object for the same body; a promise until it is there. */
export function compressedOf(body: Uint8Array, coding: Coding): Uint8Array | Promise<Uint8Array> {
  const ofBody = kept.get(body) ?? new Map<Coding, Uint8Array | Promise<Uint8Array>>();
  kept.set(body, ofBody);
  const known = ofBody.get(coding);
  if (known !== undefined) return known;
  const pending = COMPRESS[coding](body).then(
    (compressed) => {
      ofBody.set(coding, compressed);
      return compressed;
    },
    (error) => {
      ofBody.delete(coding); // The next one tries again.
      throw error;
    },
  );
  ofBody.set(coding, pending);
  return pending;
}

const WEIGHT = /^q=([01](?:\.\d{0,3})?)$/;

/** Of the codings that there are, the one that an `Accept-Encoding` prefers; null: none. `*` is passed over, as by most servers. */
export function codingFor(acceptEncoding: string): Coding | null {
  if (acceptEncoding === '') return null;
  const weights = new Map(acceptEncoding.split(',').map(weightOf));
  const least = weights.get('identity') ?? 0;
  let best: Coding | null = null;
  let bestWeight = 0;
  for (const coding of CODINGS) {
    const weight = weights.get(coding) ?? 0;
    if (weight < least || weight <= bestWeight) continue;
    best = coding;
    bestWeight = weight;
  }
  return best;
}

/** 0 for a weight that is none. */
function weightOf(choice: string): [name: string, weight: number] {
  const [name = '', weight] = choice.split(';').map((part) => part.trim().toLowerCase());
  return [name, weight === undefined ? 1 : Number(WEIGHT.exec(weight)?.[1] ?? 0)];
}

/** Whether an `If-None-Match`, which may list several and weak ones, names this ETag. */
export const namesEtag = (ifNoneMatch: string, etag: string): boolean =>
  ifNoneMatch === '*' ||
  ifNoneMatch.split(',').some((candidate) => candidate.trim().replace(/^W\//, '') === etag);
