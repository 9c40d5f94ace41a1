// Times as OpenTelemetry takes them without guessing: of a plain number it has to guess whether it counts from the epoch
// or from the start of the process.

import type { HrTime } from '@opentelemetry/api';

const NS_PER_MS = 1_000_000;

/** @param epochMs milliseconds since the epoch, with their fraction */
export function hrTime(epochMs: number): HrTime {
  const seconds = Math.floor(epochMs / 1000);
  return [seconds, Math.floor((epochMs - seconds * 1000) * NS_PER_MS)];
}
