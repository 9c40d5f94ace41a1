import { expect, it } from 'vitest';
import { staleAfterMs, staleSinceMs } from '../../../../agent/datafiles/health/staleness.ts';

const MINUTE_MS = 60_000;

it('is said after three looks that showed nothing, and not within a minute', () => {
  expect(staleAfterMs(5 * MINUTE_MS)).toBe(15 * MINUTE_MS);
  expect(staleAfterMs(5_000)).toBe(MINUTE_MS);
});

it.each([
  ['seen to be current a moment ago', 9_000, null],
  ['seen just within the limit', 5_000, null],
  ['seen too long ago', 4_999, 4_999],
  ['never seen to be, and serving for a moment', null, null],
])('of a datafile %s', (_what, verifiedAtMs, sinceMs) => {
  expect(staleSinceMs({ acceptedAtMs: 8_000 }, verifiedAtMs, 10_000, 5_000)).toBe(sinceMs);
});

it('counts from when a datafile began to serve that was never seen to be current', () => {
  expect(staleSinceMs({ acceptedAtMs: 1_000 }, null, 10_000, 5_000)).toBe(1_000);
  expect(staleSinceMs(null, null, 10_000, 5_000)).toBeNull();
});
