// The manifest: one small object per SDK key in S3 that says which body is current. Moving it by compare-and-swap
// assigns the next seq. Here are its shape and its transitions as pure functions; functions/publish decides when to swap it.

import type { Datafile } from '../datafile/datafile.ts';
import type { ChangeId, Lineage, SdkKey, Seq, Sha256 } from '../ids.ts';
import { isLastOfLineage, isSameSeq, judgePublication, type WriterVerdict } from '../version.ts';
import { newLineage } from './lineage.ts';
import { bodyKey } from './names.ts';

/** `<keyId>.<base64url of the signature>`. */
export type Signature = string;

export const MANIFEST_SCHEMA = 1;
/** Enough to roll back a bad week; bodies named here never expire (bucket lifecycle). */
export const HISTORY_MAX = 50;

/** How far ahead of our clock the CDN's `Last-Modified` may be and still count. */
const LAST_MODIFIED_AHEAD_MAX_MS = 24 * 60 * 60 * 1000;

/** `resign`: the same body, signed with a new key. */
export type Cause = 'webhook' | 'reconcile' | 'rollback' | 'import' | 'restore' | 'resign';

/** The CDN's validators for the current body, for conditional GETs. */
export interface CdnValidators {
  readonly etag: string | null;
  /** Milliseconds since the epoch. */
  readonly lastModifiedMs: number | null;
}

export interface HistoryEntry {
  readonly seq: Seq;
  readonly revision: number;
  readonly sha256: Sha256;
  readonly cause: Cause;
  readonly changeId: ChangeId;
  readonly publishedAtMs: number;
  /** Over this version, from when it was the head; absent where versions were not signed then, and of the head itself. */
  readonly signature?: Signature;
}

/** Why the manifest stays where it is until it is unpinned. */
export interface Pin {
  readonly reason: string;
  readonly pinnedAtMs: number;
}

/** Agents refuse this version: no publisher announces it any more. Of no meaning for any other seq. */
export interface QuarantineMark {
  readonly seq: Seq;
  /** Of the agents that answered, 0 to 1. */
  readonly share: number;
  readonly agents: number;
  /** Why they refuse it; what most of them say. */
  readonly code: string;
  readonly atMs: number;
}

export interface Manifest {
  readonly schema: typeof MANIFEST_SCHEMA;
  readonly lineage: Lineage;
  readonly sdkKey: SdkKey;
  readonly projectId: string;
  readonly environment: string;
  readonly seq: Seq;
  readonly revision: number;
  readonly sha256: Sha256;
  /** Size of the body, uncompressed. */
  readonly bytes: number;
  readonly bodyKey: string;
  readonly cause: Cause;
  readonly changeId: ChangeId;
  /** When the webhook arrived, or the reconcile run began. */
  readonly receivedAtMs: number;
  /** When this seq was assigned. */
  readonly publishedAtMs: number;
  readonly cdn: CdnValidators;
  readonly pin: Pin | null;
  /** Newest first, the current entry included; at most HISTORY_MAX. */
  readonly history: readonly HistoryEntry[];
  /** Absent where agents never refused a version, and after the next seq. */
  readonly quarantine?: QuarantineMark;
  /** Over the version, for agents; absent where versions are not signed. */
  readonly signature?: Signature;
  /** Over the whole manifest, for publishers that build upon it. */
  readonly seal?: Signature;
}

/** How and when a datafile came to us. */
export interface Arrival {
  readonly cause: Cause;
  readonly changeId: ChangeId;
  readonly receivedAtMs: number;
  readonly publishedAtMs: number;
  readonly cdn: CdnValidators;
}

/** The manifest to swap in, or why there is none. */
export type Move =
  | { readonly kind: 'advance' | 'refresh'; readonly manifest: Manifest }
  | { readonly kind: 'same' | 'older' | 'pinned' };

/** First manifest of an SDK key; `lineage` is a fresh random id. */
export function createManifest(datafile: Datafile, arrival: Arrival, lineage: Lineage): Manifest {
  const head: Head = { ...headOf(datafile), cdn: arrival.cdn };
  const base = { schema: MANIFEST_SCHEMA, lineage, sdkKey: datafile.sdkKey, pin: null, history: [] } as const;
  return pointAt({ ...base, seq: 0 as Seq }, head, arrival);
}

/** Where a datafile from the CDN takes the manifest. A pinned manifest is not moved by anything but a rollback. */
export function advance(current: Manifest, datafile: Datafile, arrival: Arrival): Move {
  const nowMs = arrival.publishedAtMs;
  const verdict: WriterVerdict = judgePublication(
    { ...current, lastModifiedMs: believable(current.cdn.lastModifiedMs, nowMs) },
    { ...datafile, lastModifiedMs: believable(arrival.cdn.lastModifiedMs, nowMs) },
  );
  if (verdict === 'same' || verdict === 'older') return { kind: verdict };
  if (current.pin !== null) return { kind: 'pinned' };
  return { kind: verdict, manifest: pointAt(current, { ...headOf(datafile), cdn: arrival.cdn }, arrival) };
}

/** A deliberate new seq that points at an older, archived body and pins it, so that the next webhook does not undo it. */
export function rollback(current: Manifest, to: Datafile, arrival: Arrival, reason: string): Manifest {
  const moved = pointAt(current, { ...headOf(to), cdn: arrival.cdn }, { ...arrival, cause: 'rollback' });
  return pin(moved, reason, arrival.publishedAtMs);
}

/** Keeps webhooks from moving the manifest (they are still archived). The body, and so the seq, stays. */
export function pin(current: Manifest, reason: string, pinnedAtMs: number): Manifest {
  return { ...current, pin: { reason, pinnedAtMs } };
}

/** Lets the next webhook or reconcile run move the manifest again. The body, and so the seq, stays. */
export function unpin(current: Manifest): Manifest {
  return { ...current, pin: null };
}

/** Tells all publishers to announce this version no more. The body, and so the seq, stays; the next seq knows nothing of it. */
export function quarantine(current: Manifest, why: Omit<QuarantineMark, 'seq'>): Manifest {
  return { ...current, quarantine: { seq: current.seq, ...why } };
}

export const isQuarantined = (manifest: Manifest): boolean => isSameSeq(manifest, manifest.quarantine);

/**
 * The same body under a new lineage, for a manifest that went back (a bucket restored from a backup): agents that
 * already hold a higher seq of the old lineage must not wait for it to be reached again.
 */
export function renewLineage(current: Manifest, lineage: Lineage, arrival: Arrival): Manifest {
  return pointAt({ ...current, lineage }, current, { ...arrival, cause: 'restore' });
}

/** The same body under a new seq, so that every agent gets it with a signature of the key that is used now. */
export function resign(current: Manifest, arrival: Arrival): Manifest {
  return pointAt(current, current, { ...arrival, cause: 'resign' });
}

/** The fields of a manifest that describe the body it points at. */
type Head = Pick<Manifest, 'projectId' | 'environment' | 'revision' | 'sha256' | 'bytes' | 'bodyKey' | 'cdn'>;
type Base = Pick<Manifest, 'schema' | 'lineage' | 'sdkKey' | 'seq' | 'pin' | 'history' | 'signature'>;

function headOf(datafile: Datafile): Omit<Head, 'cdn'> {
  return {
    projectId: datafile.projectId,
    environment: datafile.environment,
    revision: datafile.revision,
    sha256: datafile.sha256,
    bytes: datafile.body.byteLength,
    bodyKey: bodyKey(datafile.sdkKey, datafile.sha256),
  };
}

/** The one place where a seq is assigned. */
function pointAt(base: Base, head: Head, arrival: Arrival): Manifest {
  const { cause, changeId, receivedAtMs, publishedAtMs } = arrival;
  // No publisher counts that far: a stranger who may write to the bucket has set it, and no number comes after it.
  const isFull = isLastOfLineage(base);
  const seq = (isFull ? 1 : base.seq + 1) as Seq;
  const lineage = isFull ? newLineage(publishedAtMs, `${changeId} ${base.seq}`, base.lineage) : base.lineage;
  const entry: HistoryEntry = {
    seq,
    revision: head.revision,
    sha256: head.sha256,
    cause,
    changeId,
    publishedAtMs,
  };
  return {
    schema: MANIFEST_SCHEMA,
    lineage,
    sdkKey: base.sdkKey,
    projectId: head.projectId,
    environment: head.environment,
    seq,
    revision: head.revision,
    sha256: head.sha256,
    bytes: head.bytes,
    bodyKey: head.bodyKey,
    cause,
    changeId,
    receivedAtMs,
    publishedAtMs,
    cdn: head.cdn,
    pin: base.pin,
    history: [entry, ...pastOf(signedHistory(base), entry)].slice(0, HISTORY_MAX),
  };
}

/** The former head keeps its signature: agents may have to go back to it. */
function signedHistory(base: Base): readonly HistoryEntry[] {
  const { history, signature } = base;
  if (signature === undefined) return history;
  return history.map((entry) => (isSameSeq(entry, base) ? { ...entry, signature } : entry));
}

/**
 * The entries behind a new one. A lineage or a signature that is renewed again for the same body takes the place of the
 * renewal before it, so that however often it happens no version is pushed out of the history.
 */
function pastOf(history: readonly HistoryEntry[], { cause, sha256 }: HistoryEntry): readonly HistoryEntry[] {
  const [last, ...past] = history;
  const isRenewedAgain = (cause === 'restore' || cause === 'resign') && last?.cause === cause;
  return isRenewedAgain && last.sha256 === sha256 ? past : history;
}

/** A stamp from beyond a clock's error, once believed, would hold off every regenerated datafile until then. */
const believable = (lastModifiedMs: number | null, nowMs: number): number | null =>
  lastModifiedMs !== null && lastModifiedMs - nowMs > LAST_MODIFIED_AHEAD_MAX_MS ? null : lastModifiedMs;
