// The ordering rule, once for each side. Writers: may this datafile move the manifest? Readers: may this
// candidate replace what I serve? Agents never compare revisions, only lineage and seq.

import type { Lineage, Seq, Sha256 } from './ids.ts';

/** A place in the total order of one SDK key: `seq` within `lineage`. */
export interface Version {
  readonly lineage: Lineage;
  readonly seq: Seq;
}

/** What the reader should do with a candidate. */
export type ReaderVerdict =
  | 'take' // newer in my lineage, or I have nothing from the record yet
  | 'same' // what I have
  | 'older' // late, repeated or reordered
  | 'ask-record'; // another lineage: only the manifest in S3 can say which one lives

/**
 * Decides for an agent. `held` is the version it serves or has already judged, null when it has none;
 * a held `seq` of 0 (CDN-only boot) gives way to anything from the record.
 * `fromRecord` is true when the candidate was just read from the manifest in S3, which is always right about lineage.
 */
export function judgeCandidate(held: Version | null, candidate: Version, fromRecord: boolean): ReaderVerdict {
  if (held === null) return 'take';
  if (held.seq === 0) return candidate.seq === 0 ? 'same' : 'take';
  if (candidate.seq === 0) return 'older';
  if (candidate.lineage !== held.lineage) return fromRecord ? 'take' : 'ask-record';
  if (candidate.seq > held.seq) return 'take';
  return candidate.seq === held.seq ? 'same' : 'older';
}

/** What a writer knows about a datafile when it decides whether it is news. */
export interface Publication {
  readonly revision: number;
  readonly sha256: Sha256;
  /** `Last-Modified` of the CDN's answer; null when it sent none. */
  readonly lastModifiedMs: number | null;
}

export type WriterVerdict =
  | 'advance' // higher revision
  | 'refresh' // equal revision, other bytes, newer Last-Modified: regenerated without a bump
  | 'same' // the very bytes the manifest names
  | 'older'; // stale CDN edge or reordered webhook: archived, the manifest stays

/**
 * Decides for the publisher. Two CDN edges that disagree about equal revisions must not make the manifest swing
 * to and fro, so an equal revision with other bytes moves it only when its Last-Modified is newer.
 */
export function judgePublication(current: Publication | null, next: Publication): WriterVerdict {
  if (current === null) return 'advance';
  if (next.sha256 === current.sha256) return 'same';
  if (next.revision > current.revision) return 'advance';
  if (next.revision < current.revision) return 'older';
  const newer = next.lastModifiedMs !== null && next.lastModifiedMs > (current.lastModifiedMs ?? 0);
  return newer ? 'refresh' : 'older';
}
