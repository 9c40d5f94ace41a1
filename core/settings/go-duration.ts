// A duration as Go reads it out of the original's settings. Pure.

import { parseDurationMs } from '../duration.ts';

const NS_PER_MS = 1_000_000;

export interface GoDuration {
  readonly valueMs: number;
  /** Written as a number alone, which counts nanoseconds. */
  readonly isBare: boolean;
}

/** Null when the text is none. Less than nothing is nothing, as all that the original does with one. */
export function parseGoDuration(text: string): GoDuration | null {
  const isNegative = text.startsWith('-');
  const amount = isNegative ? text.slice(1) : text;
  const isBare = /^\d+$/.test(amount);
  const ms = isBare ? Number(amount) / NS_PER_MS : parseDurationMs(amount);
  return ms === null ? null : { valueMs: isNegative ? 0 : ms, isBare };
}
