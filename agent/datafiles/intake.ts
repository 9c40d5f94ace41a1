// Between the sources and the store: logs and counts what becomes of each candidate, and asks the record where the
// store cannot decide alone. Sources see it as their sink.

import { leftOutFields } from '../../core/datafile/left-out.ts';
import { errorFields } from '../../core/errors.ts';
import type { SdkKey } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import { isOfRecord, type Version } from '../../core/version.ts';
import type { DatafileMetrics } from './metrics.ts';
import type { Candidate, OfferOutcome, Sink, SourceName } from './sources/source.ts';
import type { AnyStore } from './store.ts';

export interface IntakeOptions {
  readonly store: AnyStore;
  readonly log: Log;
  readonly metrics: DatafileMetrics;
  readonly nowMs: () => number;
  /** Never goes back; for durations, in milliseconds. */
  readonly monotonicMs: () => number;
  /** Ask S3 for this key now. */
  readonly askRecord: (sdkKey: SdkKey) => void;
  /** Told what became of each candidate. */
  readonly onJudged?: (candidate: Candidate, outcome: OfferOutcome) => void;
  /** Told of each look for a key that failed; true when the log has been told what is to be said of it. */
  readonly onFailed?: (source: SourceName, sdkKey: SdkKey) => boolean;
}

export class Intake implements Sink {
  readonly #options: IntakeOptions;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  async offer(candidate: Candidate): Promise<OfferOutcome> {
    const { store, metrics, monotonicMs } = this.#options;
    const hadOne = store.get(candidate.sdkKey) !== null;
    const startedMs = monotonicMs();
    const outcome = await store.offer(candidate);
    metrics.offered(candidate.source, outcome);
    this.#options.onJudged?.(candidate, outcome);
    if (outcome.kind === 'accepted') this.#accepted(candidate, monotonicMs() - startedMs, hadOne);
    else if (outcome.kind === 'rejected') this.#rejected(candidate, outcome);
    else if (outcome.reason === 'ask-record') {
      this.#options.log.info('candidate.ignored', { ...fieldsOf(candidate), reason: outcome.reason });
      this.#options.askRecord(candidate.sdkKey);
    }
    return outcome;
  }

  confirm(sdkKey: SdkKey, version: Version): void {
    this.#options.store.confirm(sdkKey, version);
  }

  failed(source: SourceName, sdkKey: SdkKey | null, error: unknown): void {
    this.#options.metrics.sourceFailed(source);
    if (sdkKey !== null && this.#options.onFailed?.(source, sdkKey) === true) return;
    const fields = { source, ...(sdkKey === null ? {} : { sdkKey }), ...errorFields(error) };
    this.#options.log.warn(source === 'disk' ? 'cache.failed' : 'source.failed', fields);
  }

  #accepted(candidate: Candidate, swapMs: number, hadOne: boolean): void {
    const { log, metrics, nowMs } = this.#options;
    const latencyMs = nowMs() - candidate.receivedAtMs;
    const isLive = hadOne && isOfRecord(candidate) && !candidate.fromHistory;
    metrics.accepted(latencyMs, swapMs, isLive);
    log.info('candidate.accepted', {
      ...fieldsOf(candidate),
      arrival: isLive ? 'live' : 'start',
      // A datafile found on disk says nothing about how long changes travel.
      ...(candidate.source === 'disk' ? {} : { latencyMs: Math.round(latencyMs) }),
      swapMs: Math.round(swapMs * 10) / 10,
    });
    const leftOut = this.#options.store.get(candidate.sdkKey)?.leftOut ?? [];
    if (leftOut.length > 0)
      log.warn('datafile.left-out', { ...fieldsOf(candidate), ...leftOutFields(leftOut) });
  }

  #rejected(candidate: Candidate, outcome: OfferOutcome & { kind: 'rejected' }): void {
    this.#options.log.error('candidate.rejected', { ...fieldsOf(candidate), ...errorFields(outcome.error) });
    // A bad hint must not mask a good body: only the record can say what this seq really is.
    if (candidate.source === 'nats') this.#options.askRecord(candidate.sdkKey);
  }
}

const fieldsOf = ({ changeId, sdkKey, lineage, seq, revision, sha256, source }: Candidate) => ({
  changeId,
  sdkKey,
  lineage,
  seq,
  revision,
  sha256,
  source,
});
