// The sure source: the manifest in S3 and the body it names. Polled fast while the bus cannot be trusted, checked
// now and then otherwise, asked at once on demand. Knows S3 only as a reader handed in.

import { checkBody } from '../../../core/bus/envelope.ts';
import type { Clock, Random } from '../../../core/clock.ts';
import type { SdkKey, Sha256 } from '../../../core/ids.ts';
import { type PastVersion, pastVersions } from '../../../core/record/history.ts';
import type { Manifest } from '../../../core/record/manifest.ts';
import type { Version } from '../../../core/version.ts';
import { PollLoop } from './poll-loop.ts';
import { type Candidate, isOfVersion, type OfferOutcome, type Sink, type Source } from './source.ts';

const BACKOFF_FIRST_MS = 1_000;
export const BACKOFF_MAX_MS = 60_000;
/** Looks at one key that are asked for: messages on the bus must not turn into as many requests of the whole fleet. */
export const LOOKS_LIMIT = { burst: 3, perSecond: 1 } as const;

export type ManifestAnswer =
  | { readonly kind: 'manifest'; readonly manifest: Manifest; readonly etag: string }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'absent' };

export type RecordLook = 'changed' | 'unchanged' | 'absent' | 'failed';

/** The two reads that S3 is asked for. */
export interface RecordReader {
  /** @throws FanoutError RECORD_UNAVAILABLE, MANIFEST_INVALID */
  readManifest(sdkKey: SdkKey, etag: string | null): Promise<ManifestAnswer>;
  /** @throws FanoutError RECORD_UNAVAILABLE, BODY_MISSING */
  readBody(sdkKey: SdkKey, sha256: Sha256): Promise<Uint8Array>;
  close(): void;
}

export interface RecordSourceOptions {
  readonly reader: RecordReader;
  readonly clock: Clock;
  readonly random: Random;
  /** Wait until the next look at this key, in milliseconds. */
  readonly intervalMs: (sdkKey: SdkKey) => number;
  /** Told of each look. */
  readonly onLook?: (look: RecordLook, sdkKey: SdkKey) => void;
}

interface Followed {
  readonly loop: PollLoop;
  /** ETag of a manifest that was dealt with: what could not be loaded yet is read again. */
  etag: string | null;
  version: Version | null;
  /** As of the last look that was answered; null before. */
  isThere: boolean | null;
}

export class RecordSource implements Source {
  readonly name = 's3';
  readonly #sink: Sink;
  readonly #options: RecordSourceOptions;
  readonly #followed = new Map<SdkKey, Followed>();
  #stopped = false;

  constructor(sink: Sink, options: RecordSourceOptions) {
    this.#sink = sink;
    this.#options = options;
  }

  watch(sdkKey: SdkKey): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    let followed = this.#followed.get(sdkKey);
    if (followed === undefined) {
      followed = { loop: this.#loop(sdkKey), etag: null, version: null, isThere: null };
      this.#followed.set(sdkKey, followed);
    }
    return followed.loop.now();
  }

  /** Looks now, without waiting for the interval; repeated with backoff until a look succeeds. */
  refresh(sdkKey: SdkKey): Promise<void> {
    return this.#followed.get(sdkKey)?.loop.now() ?? Promise.resolve();
  }

  async refreshAll(): Promise<void> {
    await Promise.all([...this.#followed.values()].map(({ loop }) => loop.now()));
  }

  /** Whether the record has the key, as it last said; null before it has answered. */
  has(sdkKey: SdkKey): boolean | null {
    return this.#followed.get(sdkKey)?.isThere ?? null;
  }

  /** The intervals have changed. */
  reschedule(): void {
    for (const { loop } of this.#followed.values()) loop.reschedule();
  }

  unwatch(sdkKey: SdkKey): void {
    this.#followed.get(sdkKey)?.loop.stop();
    this.#followed.delete(sdkKey);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const sdkKey of [...this.#followed.keys()]) this.unwatch(sdkKey);
    this.#options.reader.close();
  }

  /** @throws FanoutError RECORD_UNAVAILABLE, BODY_MISSING, BODY_CORRUPT */
  async loadBody(sdkKey: SdkKey, sha256: Sha256): Promise<Uint8Array> {
    return checkBody(sha256, await this.#options.reader.readBody(sdkKey, sha256));
  }

  #loop(sdkKey: SdkKey): PollLoop {
    const { clock, random, intervalMs } = this.#options;
    return new PollLoop({
      clock,
      random,
      look: () => this.#look(sdkKey),
      intervalMs: () => intervalMs(sdkKey),
      backoffFirstMs: BACKOFF_FIRST_MS,
      backoffMaxMs: BACKOFF_MAX_MS,
      limit: LOOKS_LIMIT,
    });
  }

  async #look(sdkKey: SdkKey): Promise<void> {
    const followed = this.#followed.get(sdkKey);
    if (followed === undefined) return;
    const { reader, onLook } = this.#options;
    try {
      const answer = await reader.readManifest(sdkKey, followed.etag);
      if (this.#followed.get(sdkKey) !== followed) return;
      followed.isThere = answer.kind !== 'absent';
      onLook?.(answer.kind === 'manifest' ? 'changed' : answer.kind, sdkKey);
      if (answer.kind === 'unchanged' && followed.version !== null)
        this.#sink.confirm(sdkKey, followed.version);
      if (answer.kind === 'manifest') await this.#offer(sdkKey, followed, answer.manifest, answer.etag);
    } catch (error) {
      onLook?.('failed', sdkKey);
      this.#sink.failed(this.name, sdkKey, error);
      throw error;
    }
  }

  /**
   * The head and, as long as versions are refused for what they are, the one before: an agent that has nothing newer ends with the
   * newest good one.
   */
  async #offer(sdkKey: SdkKey, followed: Followed, manifest: Manifest, etag: string): Promise<void> {
    let failure: unknown = null;
    for (const version of [manifest, ...pastVersions(manifest)]) {
      const outcome = await this.#sink.offer(this.#candidate(sdkKey, version, version !== manifest));
      if (outcome.kind === 'rejected' && !outcome.final) failure ??= outcome.error;
      if (!isRefused(outcome)) break;
    }
    // A body that is missing or spoilt may be there at the next look.
    if (failure !== null) throw failure;
    followed.etag = etag;
    followed.version = manifest;
  }

  #candidate(sdkKey: SdkKey, version: Manifest | PastVersion, fromHistory: boolean): Candidate {
    const { lineage, seq, revision, sha256, changeId, publishedAtMs, signature } = version;
    return {
      sdkKey,
      lineage,
      seq,
      revision,
      sha256,
      changeId,
      publishedAtMs,
      // The history does not say when its webhooks arrived.
      receivedAtMs: 'receivedAtMs' in version ? version.receivedAtMs : publishedAtMs,
      ...(signature !== undefined && { signature }),
      ...(fromHistory && { fromHistory }),
      lastModifiedMs: null,
      source: this.name,
      fromRecord: true,
      load: () => this.loadBody(sdkKey, sha256),
    };
  }
}

/** Now, or before. */
const isRefused = (outcome: OfferOutcome): boolean =>
  outcome.kind === 'rejected'
    ? isOfVersion(outcome)
    : outcome.kind === 'ignored' && outcome.reason === 'judged';
