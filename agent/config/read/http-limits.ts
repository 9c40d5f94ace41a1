// Reads how much a client may send: before the body of a request, and as its body. Their defaults are of the original's
// order, which stands in front of clients behind sign-on proxies, with long lists of keys, and with large batches.

import type { Cursor } from '../../../core/settings/cursor.ts';
import type { AnswerLimits, HttpLimits, UserLimits } from '../front-door-types.ts';

/** What a browser's plain request needs, or the agent could not be asked at all. */
const HEAD_BYTES_MIN = 8 * 1024;
const HEADERS_MIN = 50;
const HEADERS_HIGHEST = 100_000;
const BODY_BYTES_MIN = 1024;
const USER_ID_BYTES_MIN = 64;
const COUNT_HIGHEST = 1_000_000;
/** An answer for one flag with many variables. */
const ANSWER_BYTES_MIN = 64 * 1024;

export const readHttpLimits = (fanout: Cursor): HttpLimits => ({
  headBytesMax: fanout.at('headSizeMax').bytes(HEAD_BYTES_MIN),
  headersMax: fanout.at('headersMax').integer(HEADERS_MIN, HEADERS_HIGHEST),
  bodyBytesMax: fanout.at('bodySizeMax').bytes(BODY_BYTES_MIN),
});

export const readUserLimits = (fanout: Cursor): UserLimits => ({
  bodyBytesMax: fanout.at('userBodySizeMax').bytes(BODY_BYTES_MIN),
  userIdBytesMax: fanout.at('userIdSizeMax').bytes(USER_ID_BYTES_MIN),
  attributesMax: fanout.at('attributesMax').integer(1, COUNT_HIGHEST),
  keysMax: fanout.at('decideKeysMax').integer(1, COUNT_HIGHEST),
});

export const readAnswerLimits = (fanout: Cursor): AnswerLimits => ({
  bytesMax: fanout.at('answerSizeMax').bytes(ANSWER_BYTES_MIN),
  inFlightBytesMax: fanout.at('answersInFlightMax').bytes(ANSWER_BYTES_MIN),
});
