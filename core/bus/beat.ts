// The heartbeat: once a minute reconcile says which head each key should have. An agent that hears another beat than
// its own state, or none, knows that its bus cannot be trusted although it looks connected.

import { parseJsonWithin } from '../datafile/json-depth.ts';
import { isLineage, isSeq, type SdkKey, toSdkKey } from '../ids.ts';
import type { Version } from '../version.ts';

export const BEAT_INTERVAL_MS = 60_000;
/** After this many silent intervals the bus counts as unavailable. */
export const BEATS_MISSED_MAX = 3;

export interface Beat {
  readonly sentAtMs: number;
  readonly heads: ReadonlyMap<SdkKey, Version>;
  /** Keys that the publisher looks after and has no head to name of: earlier publishers leave it out. */
  readonly others?: readonly SdkKey[];
  /** The share of agents, 0 to 1, that is to say which versions it refuses (canary.ts); left out: none. */
  readonly askShare?: number;
}

export function encodeBeat(beat: Beat): Uint8Array {
  const heads = Object.fromEntries(
    [...beat.heads].map(([sdkKey, { lineage, seq }]) => [sdkKey, { lineage, seq }]),
  );
  const { sentAtMs, askShare, others = [] } = beat;
  const asked = askShare === undefined ? {} : { askShare };
  const rest = others.length === 0 ? {} : { others };
  return new TextEncoder().encode(JSON.stringify({ schema: 1, sentAtMs, heads, ...rest, ...asked }));
}

/** Null when it is not a beat: a malformed one must count as missed, not as a reason to fail. */
export function decodeBeat(payload: Uint8Array): Beat | null {
  try {
    const { schema, sentAtMs, heads, askShare, others } = parseJsonWithin(payload) as Record<string, unknown>;
    if (schema !== 1 || typeof sentAtMs !== 'number' || heads === null || typeof heads !== 'object')
      return null;
    const entries = Object.entries(heads as Record<string, { lineage?: unknown; seq?: unknown }>).map(
      ([key, head]): [SdkKey, Version] | null =>
        isLineage(head?.lineage) && isSeq(head?.seq)
          ? [toSdkKey(key), { lineage: head.lineage, seq: head.seq }]
          : null,
    );
    if (entries.some((entry) => entry === null)) return null;
    const asked = typeof askShare === 'number' && askShare > 0 && askShare <= 1 ? { askShare } : {};
    const rest = Array.isArray(others) ? { others: others.map((key) => toSdkKey(String(key))) } : {};
    return { sentAtMs, heads: new Map(entries as [SdkKey, Version][]), ...rest, ...asked };
  } catch {
    return null;
  }
}
