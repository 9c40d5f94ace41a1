// From the bytes of a request to a value, within limits: JSON in UTF-8, not nested without end. Pure.

import { isUtf8 } from 'node:buffer';
import { firstValueEnd, nestsDeeperThan } from '../../../core/datafile/json-depth.ts';
import { type Schema, WRONG } from './schema.ts';
import { wellFormedJson } from './well-formed-json.ts';

/** Beyond it, writing the value down again would overflow the stack; the original stops at ten times as many. */
export const NESTING_MAX = 1_000;
/** The text of every 400 about a body that cannot be read; the original's own. */
export const MALFORMED = 'error parsing request body';

/** The value, or undefined where the bytes are not JSON that may be read. No bytes at all count as null, as in the original. */
export function parseJson(body: Buffer): unknown {
  if (body.byteLength === 0) return null;
  if (!isUtf8(body) || isNestedTooDeep(body)) return undefined;
  try {
    return JSON.parse(wellFormedJson(body.toString()));
  } catch {
    return undefined; // The caller answers 400.
  }
}

/** The first value, without what follows it: the original reads batches like this. */
export function parseFirstJson(body: Buffer): unknown {
  return parseJson(body) ?? parseJson(body.subarray(0, firstValueEnd(body)));
}

/** The body as its route describes it; null where it is not that. */
export function readBody<T>(schema: Schema<T>, body: Buffer): T | null {
  const value = parseJson(body);
  if (value === undefined) return null;
  const read = schema.read(value);
  return read === WRONG ? null : read;
}

/** Only bodies that are long enough to be nested so deep are looked at, so that the usual ones cost nothing. */
const isNestedTooDeep = (body: Buffer): boolean =>
  body.byteLength >= 2 * NESTING_MAX && nestsDeeperThan(body, NESTING_MAX);
