// Durations as operators write them in settings: `100ms`, `5s`, `1m`, `2h` (Go's notation, as in Optimizely's Agent).

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h)/g;
const WHOLE = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/;

/** Milliseconds, or null when the text is not a duration. `1m30s` is 90,000; `0s` is 0. */
export function parseDurationMs(text: string): number | null {
  if (!WHOLE.test(text)) return null;
  let totalMs = 0;
  for (const [, amount, unit] of text.matchAll(PART))
    totalMs += Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS];
  return totalMs;
}
