// The contract of every inlet: many sources, one gate. A source finds datafiles of the keys it is told to watch and
// offers them; it never decides whether they are news, and it knows neither the other sources nor the SDK.

import type { ChangeId, Lineage, SdkKey, Seq, Sha256 } from '../../../core/ids.ts';
import type { Signature } from '../../../core/record/manifest.ts';
import type { Version } from '../../../core/version.ts';

export type SourceName = 'nats' | 's3' | 'disk' | 'cdn';

/** Stands in for a lineage where a datafile did not come from the record (seq 0). */
export const NO_LINEAGE = 'none' as Lineage;
export const NO_SEQ = 0 as Seq;

/** Everything known of a datafile but its body, so that what is old or repeated costs nothing. */
export interface DatafileMeta {
  readonly sdkKey: SdkKey;
  readonly lineage: Lineage;
  readonly seq: Seq;
  readonly revision: number;
  readonly sha256: Sha256;
  readonly changeId: ChangeId;
  /** When the webhook that brought it arrived; for seq 0, when the CDN answered. */
  readonly receivedAtMs: number;
  /** When it got its seq; left out where the source does not know. */
  readonly publishedAtMs?: number;
  /** The CDN's `Last-Modified`; only known of seq 0. */
  readonly lastModifiedMs: number | null;
  /** The publisher's, as it came; sources do not judge it. */
  readonly signature?: Signature;
}

export interface CandidateMeta extends DatafileMeta {
  readonly source: SourceName;
  /** Just read from the manifest in S3, which is always right about lineage. */
  readonly fromRecord: boolean;
  /** Named by the manifest's history, and offered because the head is refused: not the head of the record. */
  readonly fromHistory?: boolean;
}

export interface Candidate extends CandidateMeta {
  /**
   * The exact body, checked against `sha256`. Called at most once.
   * @throws FanoutError BODY_CORRUPT, BODY_MISSING, RECORD_UNAVAILABLE
   */
  load(): Promise<Uint8Array>;
}

export type IgnoredReason =
  | 'same'
  | 'older'
  | 'ask-record' // another lineage: the manifest must say which one lives
  | 'judged' // rejected before
  | 'unwatched';

export type OfferOutcome =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'ignored'; readonly reason: IgnoredReason }
  /** `final`: these bytes will never load; otherwise the same offer may succeed later. */
  | {
      readonly kind: 'rejected';
      readonly code: string;
      readonly final: boolean;
      readonly error: unknown;
    };

/** Failures between an agent and its datafiles: every version would meet with the same. */
const ON_THE_WAY: ReadonlySet<string> = new Set([
  'RECORD_UNAVAILABLE',
  'WORKERS_UNAVAILABLE',
  'WORKER_FAILED',
]);

/** Whether the version itself cannot be used, now or ever, so that another one may be better. */
export const isOfVersion = ({ code }: OfferOutcome & { kind: 'rejected' }): boolean => !ON_THE_WAY.has(code);

/** Where sources put what they find. */
export interface Sink {
  offer(candidate: Candidate): Promise<OfferOutcome>;
  /** The source has just seen that `version` is still the head of the record. */
  confirm(sdkKey: SdkKey, version: Version): void;
  /** A look that failed; logged and counted, never thrown at the caller. */
  failed(source: SourceName, sdkKey: SdkKey | null, error: unknown): void;
}

export interface Source {
  readonly name: SourceName;
  /**
   * Follows a key until unwatch(). Resolves after the first look, whether it found something or not; never rejects.
   * Watching a watched key again is another look.
   */
  watch(sdkKey: SdkKey): Promise<void>;
  unwatch(sdkKey: SdkKey): void;
  /** Releases connections and timers; nothing is offered afterwards. */
  stop(): Promise<void>;
}
