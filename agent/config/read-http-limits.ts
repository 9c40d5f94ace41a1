// Reads how much a client may send: before the body of a request, and as its body. Their defaults are of the original's
// order, which stands in front of clients behind sign-on proxies, with long lists of keys, and with large batches.

import type { Cursor } from './cursor.ts';
import type { HttpLimits } from './front-door-types.ts';

/** What a browser's plain request needs, or the agent could not be asked at all. */
const HEAD_BYTES_MIN = 8 * 1024;
const HEADERS_MIN = 50;
const HEADERS_HIGHEST = 100_000;
const BODY_BYTES_MIN = 1024;

export const readHttpLimits = (fanout: Cursor): HttpLimits => ({
  headBytesMax: fanout.at('headSizeMax').bytes(HEAD_BYTES_MIN),
  headersMax: fanout.at('headersMax').integer(HEADERS_MIN, HEADERS_HIGHEST),
  bodyBytesMax: fanout.at('bodySizeMax').bytes(BODY_BYTES_MIN),
});
