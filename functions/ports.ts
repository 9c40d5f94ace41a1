// What the functions' work needs of the outside, as interfaces of two to five methods, so that a test writes its own
// in a few lines. The real ones are bucket.ts, bus.ts, topic.ts, cdn.ts, sdk-check.ts; nothing here names a product.

import type { Beat } from '../core/bus/beat.ts';
import type { compressBody, Envelope, EnvelopeHead } from '../core/bus/envelope.ts';
import type { Notice } from '../core/bus/notice.ts';
import type { AgentReport } from '../core/bus/refusal-reports.ts';
import type { Clock, Random } from '../core/clock.ts';
import type { Datafile, DatafileExpectation } from '../core/datafile/datafile.ts';
import type { SdkKey, Sha256 } from '../core/ids.ts';
import type { Log, MetricName } from '../core/log.ts';
import type { DatafileSource } from '../core/projects.ts';
import type { CdnValidators, Manifest } from '../core/record/manifest.ts';

/** A manifest with the ETag that a swap must name. */
export interface StoredManifest {
  readonly manifest: Manifest;
  readonly etag: string;
}

/** The truth: bodies that never change and one manifest per SDK key. Every method throws RECORD_UNAVAILABLE. */
export interface DatafileRecord {
  /** @throws FanoutError MANIFEST_INVALID */
  readManifest(sdkKey: SdkKey): Promise<StoredManifest | null>;
  /** `expectedEtag` null means: only when there is none yet. `conflict`: another writer moved it. */
  swapManifest(
    manifest: Manifest,
    expectedEtag: string | null,
  ): Promise<{ readonly etag: string } | 'conflict'>;
  putBody(sdkKey: SdkKey, sha256: Sha256, body: Uint8Array): Promise<'written' | 'already-there'>;
  /** The body that hashes to `sha256`. @throws FanoutError BODY_MISSING, BODY_CORRUPT */
  readBody(sdkKey: SdkKey, sha256: Sha256): Promise<Uint8Array>;
  /** The manifest as this process saw it last. May be out of date: good for beginning early, never for deciding. */
  lastSeen?(sdkKey: SdkKey): Manifest | null;
  /** Puts the right bytes where others have been found. */
  replaceBody?(sdkKey: SdkKey, sha256: Sha256, body: Uint8Array): Promise<void>;
  /** Only where the store might not honour conditions on writes. @throws FanoutError RECORD_UNCONDITIONAL */
  checkConditions?(): Promise<void>;
}

/** Last message of a subject. `head` is null when it is not a publisher's message: it may be overwritten. */
export interface BusHead {
  readonly head: EnvelopeHead | null;
  readonly streamSequence: number;
  /** True when a trusted key has signed it; absent where versions are not signed. */
  readonly isSigned?: boolean;
}

/** Every method throws BUS_UNAVAILABLE, or STREAM_MISSING where the bus is up but has no stream. */
export interface Bus {
  readHead(sdkKey: SdkKey): Promise<BusHead | null>;
  /** `expectedStreamSequence` is that of the head just read, 0 when there is none. */
  publish(
    sdkKey: SdkKey,
    envelope: Envelope,
    expectedStreamSequence: number,
  ): Promise<'published' | 'conflict'>;
  /** The server's max_payload; known once connected. */
  payloadBytesMax(): Promise<number>;
  sendBeat(beat: Beat): Promise<void>;
  /** Creates or updates the stream when it is not as wanted. */
  ensureStream(): Promise<'as-wanted' | 'created' | 'updated'>;
  /** Drops the connection at once, with every call that still waits on it; the next call makes another. */
  reset(): void;
}

export interface Topic {
  /** @throws FanoutError TOPIC_UNAVAILABLE */
  publish(notice: Notice): Promise<void>;
}

/** Which of Optimizely's addresses is asked. */
export type Via = 'cdn' | 'origin' | 'auth';

export type CdnAnswer =
  | { readonly kind: 'body'; readonly body: Uint8Array; readonly validators: CdnValidators }
  | { readonly kind: 'unchanged' };

export interface Cdn {
  /** The addresses that may serve this datafile, the preferred one first; never empty. */
  viasOf(source: DatafileSource): readonly Via[];
  /** @throws FanoutError CDN_DENIED, CDN_FAILED, DATAFILE_TOO_LARGE */
  fetch(
    source: DatafileSource,
    via: Via,
    validators: CdnValidators | null,
    timeoutMs: number,
  ): Promise<CdnAnswer>;
}

/** The datafile that a body is, when it is ours and the Optimizely SDK can load it. @throws FanoutError DATAFILE_* */
export type SdkCheck = (body: Uint8Array, expected: DatafileExpectation) => Datafile;

export interface Metrics {
  count(name: MetricName, amount?: number): void;
  timeMs(name: MetricName, elapsedMs: number): void;
}

/** What agents said while the publisher listened. */
export interface Heard {
  /** One for each agent. */
  readonly reports: readonly AgentReport[];
  /** True when agents said more than is listened to. */
  readonly isCutShort: boolean;
  /** Why the server would not let us listen; null when it did. */
  readonly error: Error | null;
}

/** Hears agents until the returned function is called. @throws FanoutError BUS_UNAVAILABLE */
export type HearAgents = () => Promise<() => Heard>;

/** Signs what is written. */
export interface Signer {
  /** The manifest with its signatures. @throws FanoutError SECRET_UNAVAILABLE */
  sign(manifest: Manifest): Promise<Manifest>;
  /** Whether the key that is used now has signed it. @throws FanoutError SECRET_UNAVAILABLE */
  isCurrent(manifest: Manifest): Promise<boolean>;
}

/** What following the record takes, without writing it. */
export interface ReaderDeps {
  readonly record: DatafileRecord;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Absent where agents are never asked anything. */
  readonly hearAgents?: HearAgents;
  /** Instead of core's compressBody(), which works in threads of its own: where every step must be repeatable. */
  readonly compress?: typeof compressBody;
}

/** Everything the work is done with. */
export interface Deps extends ReaderDeps {
  readonly topic: Topic;
  readonly cdn: Cdn;
  /** Absent where versions are not signed. With one, `record` and `bus` show only what is signed (signed-record.ts). */
  readonly signer?: Signer | undefined;
  readonly sdkCheck: SdkCheck;
  /** A fresh random id: letters, digits and dashes. */
  readonly newId: () => string;
}
