// The ordering rule, and the only place that compares versions and revisions. Writers: may this datafile move the manifest?
// Readers: may this candidate replace what I serve? Agents never compare revisions, only lineage and seq.

import type { Lineage, Seq, Sha256 } from './ids.ts';
import { bornAtMs } from './record/lineage.ts';

/** A place in the total order of one SDK key: `seq` within `lineage`. */
export interface Version {
  readonly lineage: Lineage;
  readonly seq: Seq;
}

export const isSameLineage = (a: Pick<Version, 'lineage'>, b: Pick<Version, 'lineage'>): boolean =>
  a.lineage === b.lineage;

/** The very same place; a datafile's hash is not compared. */
export const isSame = (a: Version, b: Version): boolean => isSameLineage(a, b) && a.seq === b.seq;

/** For entries of one manifest's history, which share its lineage. */
export const isSameSeq = (a: Pick<Version, 'seq'>, b: Pick<Version, 'seq'> | undefined): boolean =>
  a.seq === b?.seq;

/** Whether `held` is `wanted`, or later in the same lineage. */
export const reaches = (held: Version, wanted: Version): boolean =>
  isSameLineage(held, wanted) && held.seq >= wanted.seq;

/** Whether `version` is earlier than `other` in the same lineage. Two lineages are never behind each other. */
export const isBehind = (version: Version, other: Version): boolean =>
  isSameLineage(version, other) && version.seq < other.seq;

/** Whether `version` is later than `other`: in the same lineage by `seq`, else by when the lineages began. */
export const isLater = (version: Version, other: Version): boolean =>
  isSameLineage(version, other) ? version.seq > other.seq : isLaterLineage(version.lineage, other.lineage);

/**
 * Whether `candidate` began after `held`. A lineage without a time of birth is older than any lineage with one; of two without
 * a time neither is later.
 */
export function isLaterLineage(candidate: Lineage, held: Lineage): boolean {
  const candidateMs = bornAtMs(candidate);
  const heldMs = bornAtMs(held);
  if (candidateMs === null) return false;
  if (heldMs === null || candidateMs !== heldMs) return heldMs === null || candidateMs > heldMs;
  // Two of the same millisecond: any order will do, as long as it is the same everywhere.
  return candidate > held;
}

/** The last seq of a lineage; the next change begins another lineage. */
export const SEQ_MAX = Number.MAX_SAFE_INTEGER;

export const isLastOfLineage = ({ seq }: Pick<Version, 'seq'>): boolean => seq >= SEQ_MAX;

/** Whether a version has its place in the record. `seq` 0 stands for a datafile that came straight from the CDN. */
export const isOfRecord = ({ seq }: Pick<Version, 'seq'>): boolean => seq > 0;

/** The highest `seq` first. For versions of one lineage. */
export const newestFirst = (a: Pick<Version, 'seq'>, b: Pick<Version, 'seq'>): number => b.seq - a.seq;

/** A datafile's revision, which Optimizely counts. It orders datafiles for publishers only. */
export interface Revised {
  readonly revision: number;
}

/** Whether `held` is of the revision `wanted` or of a later one; false for none. */
export const reachesRevision = (held: Revised | null | undefined, wanted: number): boolean =>
  held !== null && held !== undefined && held.revision >= wanted;

/** Whether `candidate` is of a later revision than `held`. */
export const isLaterRevision = (candidate: Revised, held: Revised): boolean =>
  candidate.revision > held.revision;

export const isSameRevision = (a: Revised, b: Revised): boolean => a.revision === b.revision;

/** The lowest revision first. */
export const lowestRevisionFirst = (a: Revised, b: Revised): number => a.revision - b.revision;

/** The reader's verdict on a candidate. */
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

/** The facts about a datafile by which a publisher decides whether it is news. */
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
