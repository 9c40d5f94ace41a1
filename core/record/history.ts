// The versions below a manifest's head, for agents that cannot use the head. Pure.

import { isChangeId, isSeq, isSha256, type Lineage, parseRevision } from '../ids.ts';
import { isBehind, isOfRecord, newestFirst } from '../version.ts';
import type { HistoryEntry, Manifest } from './manifest.ts';
import { SIGNATURE_CHARACTERS_MAX } from './signature.ts';

/** A place in the lineage of the manifest whose history names it. */
export interface PastVersion extends HistoryEntry {
  readonly lineage: Lineage;
}

/**
 * Newest first, at most HISTORY_MAX. Entries that are not whole are left out: one that was written wrongly must not keep agents
 * from the head, nor from the others.
 */
export function pastVersions(head: Manifest): PastVersion[] {
  const { lineage, history } = head;
  const whole = history.filter(isWhole).map((entry) => ({ ...entry, lineage }));
  return whole.filter((version) => isBehind(version, head)).sort(newestFirst);
}

function isWhole(value: unknown): value is HistoryEntry {
  if (value === null || typeof value !== 'object') return false;
  const { seq, revision, sha256, changeId, publishedAtMs, signature } = value as Partial<
    Record<keyof HistoryEntry, unknown>
  >;
  return (
    isSeq(seq) &&
    isOfRecord({ seq }) &&
    typeof revision === 'number' &&
    parseRevision(revision) !== null &&
    isSha256(sha256) &&
    isChangeId(changeId) &&
    Number.isFinite(publishedAtMs) &&
    (signature === undefined ||
      (typeof signature === 'string' && signature.length <= SIGNATURE_CHARACTERS_MAX))
  );
}
