// When what serves counts as stale: it has gone for too long without being seen to be current. Pure.

import type { Held } from '../store.ts';

/** Looks that have to fail in a row: one may be lost. */
const LOOKS = 3;
/** A source that backs off looks once a minute. */
const AT_LEAST_MS = 60_000;

/** @param lookEveryMs how often the datafile's source asks whether it is current */
export const staleAfterMs = (lookEveryMs: number): number => Math.max(AT_LEAST_MS, LOOKS * lookEveryMs);

/**
 * Since when a datafile has not been seen to be current, in ms; null while that is not too long ago.
 * @param verifiedAtMs null when it was not seen to be since the start
 */
export function staleSinceMs(
  held: Pick<Held<unknown>, 'acceptedAtMs'> | null,
  verifiedAtMs: number | null,
  nowMs: number,
  limitMs: number,
): number | null {
  const seenMs = verifiedAtMs ?? held?.acceptedAtMs ?? null;
  return seenMs !== null && nowMs - seenMs > limitMs ? seenMs : null;
}
