// Durations as operators write them in settings: `100ms`, `5s`, `1m30s`, `.5s` (Go's notation, as in Optimizely's Agent).

const UNIT_MS = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
} as const;
// Both signs for micro are in use, and look the same: U+00B5 and U+03BC.
const AMOUNT = String.raw`(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)`;
const PART = new RegExp(AMOUNT, 'g');
const WHOLE = new RegExp(`^\\+?(?:${AMOUNT})+$`);

/** Milliseconds, or null when the text is no duration, or a negative one. `1m30s` is 90,000; `0s` is 0. */
export function parseDurationMs(text: string): number | null {
  if (!WHOLE.test(text)) return null;
  let totalMs = 0;
  for (const [, amount, unit] of text.matchAll(PART))
    totalMs += Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS];
  return totalMs;
}
