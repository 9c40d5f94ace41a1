// Lineages are UUIDs of version 7, whose first 48 bits are the time, so that they have an order of birth (core/version.ts). An
// agent that trusts signatures alone needs it: an old lineage, signed once and kept by an attacker, must not come back.

import { createHash } from 'node:crypto';
import type { Lineage } from '../ids.ts';

const V7_PATTERN = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const TIME_MS_MAX = 2 ** 48 - 1;

/**
 * A lineage that begins now.
 * @param randomId random enough that no other lineage has it
 * @param after the lineage that it takes the place of: a clock that is behind must not make it look older
 */
export function newLineage(nowMs: number, randomId: string, after: Lineage | null = null): Lineage {
  const afterMs = after === null ? null : bornAtMs(after);
  const timeMs = Math.min(Math.max(Math.trunc(nowMs), afterMs === null ? 0 : afterMs + 1), TIME_MS_MAX);
  const time = timeMs.toString(16).padStart(12, '0');
  const noise = createHash('sha256').update(randomId).digest('hex');
  const variant = '89ab'[Number.parseInt(noise[3] as string, 16) % 4];
  return [
    time.slice(0, 8),
    time.slice(8),
    `7${noise.slice(0, 3)}`,
    `${variant}${noise.slice(4, 7)}`,
    noise.slice(7, 19),
  ].join('-') as Lineage;
}

/** Milliseconds since the epoch by the clock of its publisher; null for one without a time. */
export function bornAtMs(lineage: Lineage): number | null {
  const match = V7_PATTERN.exec(lineage);
  return match === null ? null : Number.parseInt(`${match[1]}${match[2]}`, 16);
}
