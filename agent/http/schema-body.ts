// From the bytes of a request to a value, within limits: JSON in UTF-8, not nested without end. Pure.

import { isUtf8 } from 'node:buffer';
import { type Schema, WRONG } from './schema.ts';

/** Beyond it, writing the value down again would overflow the stack; the original stops at ten times as many. */
export const NESTING_MAX = 1_000;
/** The text of every 400 about a body that cannot be read; the original's own. */
export const MALFORMED = 'error parsing request body';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The value, or undefined where the bytes are not JSON that may be read. No bytes at all count as null, as in the original. */
export function parseJson(body: Buffer): unknown {
  if (body.byteLength === 0) return null;
  if (!isUtf8(body) || isNestedTooDeep(body)) return undefined;
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined; // The caller answers 400.
  }
}

/** The body as its route describes it; null where it is not that. */
export function readBody<T>(schema: Schema<T>, body: Buffer): T | null {
  const value = parseJson(body);
  if (value === undefined) return null;
  const read = schema.read(value);
  return read === WRONG ? null : read;
}

/** Only bodies that are long enough to be nested so deep are looked at, so that the usual ones cost nothing. */
function isNestedTooDeep(body: Buffer): boolean {
  if (body.byteLength < 2 * NESTING_MAX) return false;
  let depth = 0;
  let isInText = false;
  for (let i = 0; i < body.byteLength; i++) {
    const byte = body[i] as number;
    if (isInText) {
      if (byte === BACKSLASH) i++;
      else if (byte === QUOTE) isInText = false;
    } else if (byte === QUOTE) isInText = true;
    // `[` and `{` are 0x5b and 0x7b, their partners two further.
    else if ((byte & 0xdf) === 0x5b) {
      if (++depth > NESTING_MAX) return true;
    } else if ((byte & 0xdf) === 0x5d) depth--;
  }
  return false;
}
