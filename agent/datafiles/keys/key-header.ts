// What requests write to name an SDK key, and the datafile access token that comes with it.

import { createHash, timingSafeEqual } from 'node:crypto';
import { type SdkKey, toSdkKey } from '../../../core/ids.ts';

/** `sdkKey` or `sdkKey:datafileAccessToken`. */
const HEADER_PATTERN = /^([A-Za-z0-9_+/=-]{1,128})(?::([\x21-\x7e]{1,512}))?$/;

/** Null for a text that names no key. */
export function parseKeyHeader(header: string): { sdkKey: SdkKey; token: string | null } | null {
  const match = HEADER_PATTERN.exec(header);
  return match === null ? null : { sdkKey: toSdkKey(match[1] as string), token: match[2] ?? null };
}

/** A key configured without a token may be asked for with any: its environment is not a secure one. */
export function tokensMatch(wanted: string | null, given: string | null): boolean {
  if (wanted === null) return true;
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return given !== null && timingSafeEqual(digest(wanted), digest(given));
}
