// The one gate: every candidate from every source comes through offer(), and nothing else changes what an agent
// serves. Holds the served datafile of each key. Knows neither network nor HTTP, nor what is built of a datafile.

import type { Clock } from '../../core/clock.ts';
import type { DatafileExpectation } from '../../core/datafile/datafile.ts';
import type { LeftOut } from '../../core/datafile/left-out.ts';
import { isFanoutError } from '../../core/errors.ts';
import type { SdkKey, Sha256 } from '../../core/ids.ts';
import { HISTORY_MAX } from '../../core/record/manifest.ts';
import { isOfRecord, isSame, judgeCandidate, judgePublication, type Version } from '../../core/version.ts';
import { isSignatureCode, type Signatures } from './signatures.ts';
import type {
  Candidate,
  CandidateMeta,
  DatafileMeta,
  IgnoredReason,
  OfferOutcome,
  SourceName,
} from './sources/source.ts';

/**
 * Rejected versions remembered per key: all of a manifest's history, so that none of it is loaded again at each change of the
 * manifest, and the messages that a bus repeats.
 */
const REJECTED_REMEMBERED_MAX = HISTORY_MAX + 16;

/** Turns a datafile into what serves it. */
export interface Builder<B> {
  /**
   * Validates and builds. The body's hash has been checked by its source.
   * @throws FanoutError DATAFILE_*
   */
  build(
    body: Uint8Array,
    sha256: Sha256,
    expected: DatafileExpectation,
    candidate: CandidateMeta,
  ): Promise<Built<B>>;
  /** Called once for each thing built, after it stopped being served. */
  retire(built: B): void;
}

export interface Built<B> {
  readonly built: B;
  /** As the body itself says. */
  readonly revision: number;
  readonly projectId: string;
  /** Parts that are not served, and why; absent where there are none to tell of. */
  readonly leftOut?: readonly LeftOut[];
}

/** The datafile a key serves now. Replaced as a whole, never changed. */
export interface Held<B> extends DatafileMeta {
  readonly source: SourceName;
  readonly projectId: string;
  readonly leftOut?: readonly LeftOut[];
  readonly body: Uint8Array;
  readonly built: B;
  readonly acceptedAtMs: number;
}

export interface StoreOptions<B> {
  readonly builder: Builder<B>;
  readonly clock: Clock;
  /** Left out, signatures are not looked at. */
  readonly signatures?: Pick<Signatures, 'refusal'>;
  /** Told after every swap, before offer() resolves. */
  readonly onAccepted?: (held: Held<B>) => void;
}

/** The store for callers that do not use what is built. */
export type AnyStore = Pick<
  Store<unknown>,
  'watch' | 'forget' | 'get' | 'verifiedAtMs' | 'offer' | 'confirm'
>;

interface KeyState<B> {
  held: Held<B> | null;
  verifiedAtMs: number | null;
  rejected: string[];
  /** Commits of one key happen one after another. */
  tail: Promise<unknown>;
  forgotten: boolean;
}

export class Store<B> {
  readonly #options: StoreOptions<B>;
  readonly #keys = new Map<SdkKey, KeyState<B>>();

  constructor(options: StoreOptions<B>) {
    this.#options = options;
  }

  /** Candidates of other keys are ignored as `unwatched`. */
  watch(sdkKey: SdkKey): void {
    if (this.#keys.has(sdkKey)) return;
    const fresh = { held: null, verifiedAtMs: null, rejected: [], tail: Promise.resolve(), forgotten: false };
    this.#keys.set(sdkKey, fresh);
  }

  forget(sdkKey: SdkKey): void {
    const state = this.#keys.get(sdkKey);
    if (state === undefined) return;
    state.forgotten = true;
    this.#keys.delete(sdkKey);
    if (state.held !== null) this.#options.builder.retire(state.held.built);
  }

  /** The datafile that the key serves; null before its first. */
  get(sdkKey: SdkKey): Held<B> | null {
    return this.#keys.get(sdkKey)?.held ?? null;
  }

  /** When it was last seen that the served datafile is the head of the record; null when never. */
  verifiedAtMs(sdkKey: SdkKey): number | null {
    return this.#keys.get(sdkKey)?.verifiedAtMs ?? null;
  }

  /** Judges by the metadata; only a candidate that would be news is loaded, parsed, built and swapped in. */
  async offer(candidate: Candidate): Promise<OfferOutcome> {
    const state = this.#keys.get(candidate.sdkKey);
    if (state === undefined) return ignored('unwatched');
    const early = this.#judge(state, candidate);
    if (early !== null) return early;
    let body: Uint8Array;
    try {
      body = await candidate.load();
    } catch (error) {
      return this.#reject(state, candidate, error);
    }
    // Loading is outside the queue: a slow body must not hold up a newer one that is already here.
    const turn = state.tail.then(() => this.#commit(state, candidate, body));
    // The source that offered hears of a failure; the next in the queue must not.
    state.tail = turn.catch(() => {});
    return turn;
  }

  /** Notes that `version` was just seen as the head of the record. */
  confirm(sdkKey: SdkKey, version: Version): void {
    const state = this.#keys.get(sdkKey);
    const held = state?.held;
    if (state && held && isSame(held, version)) state.verifiedAtMs = this.#options.clock.nowMs();
  }

  async #commit(state: KeyState<B>, candidate: Candidate, body: Uint8Array): Promise<OfferOutcome> {
    const late = this.#judge(state, candidate);
    if (late !== null) return late;
    const { builder, clock, onAccepted } = this.#options;
    let made: Built<B>;
    try {
      made = await builder.build(body, candidate.sha256, expectation(state.held, candidate), candidate);
    } catch (error) {
      return this.#reject(state, candidate, error);
    }
    if (state.forgotten) {
      builder.retire(made.built);
      return ignored('unwatched');
    }
    const previous = state.held;
    const acceptedAtMs = clock.nowMs();
    const { load: _load, fromRecord: _fromRecord, fromHistory: _fromHistory, ...meta } = candidate;
    state.held = { ...meta, ...made, body, acceptedAtMs };
    state.verifiedAtMs = isCurrent(candidate) ? acceptedAtMs : null;
    if (previous !== null) builder.retire(previous.built);
    onAccepted?.(state.held);
    return { kind: 'accepted' };
  }

  #judge(state: KeyState<B>, candidate: Candidate): OfferOutcome | null {
    if (state.forgotten) return ignored('unwatched');
    const { held } = state;
    if (held !== null && !isOfRecord(held) && !isOfRecord(candidate)) {
      // Neither is from the record, so there is no seq to compare: the CDN's own order has to do.
      const verdict = judgePublication(held, candidate);
      if (verdict === 'same') this.confirm(candidate.sdkKey, candidate);
      return verdict === 'same' || verdict === 'older' ? ignored(verdict) : null;
    }
    const verdict = judgeCandidate(held, candidate, candidate.fromRecord);
    if (verdict === 'same' || verdict === 'older') {
      if (verdict === 'same' && isCurrent(candidate)) this.confirm(candidate.sdkKey, candidate);
      return ignored(verdict);
    }
    if (state.rejected.includes(rejectionId(candidate))) return ignored('judged');
    // Signatures are checked before bodies: the body of a forged candidate is not even loaded.
    const refusal = this.#options.signatures?.refusal(candidate, held) ?? null;
    if (refusal !== null) return this.#reject(state, candidate, refusal);
    return verdict === 'take' ? null : ignored(verdict);
  }

  #reject(state: KeyState<B>, candidate: Candidate, error: unknown): OfferOutcome {
    const code = isFanoutError(error) ? error.code : 'UNEXPECTED';
    const final =
      code.startsWith('DATAFILE_') ||
      isSignatureCode(code) ||
      (code === 'BODY_CORRUPT' && !candidate.fromRecord);
    if (final) {
      state.rejected.push(rejectionId(candidate));
      if (state.rejected.length > REJECTED_REMEMBERED_MAX) state.rejected.shift();
    }
    return { kind: 'rejected', code, final, error };
  }
}

/** Whether it was just seen as the newest there is. */
const isCurrent = ({ source, fromHistory }: CandidateMeta): boolean => source !== 'disk' && !fromHistory;

/** A key never changes its project, so a hint that says so is wrong; what the record says is not a hint. */
const expectation = (held: Held<unknown> | null, { sdkKey, fromRecord }: Candidate): DatafileExpectation =>
  fromRecord || held === null ? { sdkKey } : { sdkKey, projectId: held.projectId };

/**
 * The record is remembered apart from hints: a bad message must not mask the good body of the same seq, nor a wrong
 * signature the right one.
 */
const rejectionId = ({ lineage, seq, sha256, fromRecord, signature = '' }: Candidate): string =>
  `${fromRecord ? 'record' : 'hint'} ${lineage} ${seq} ${sha256} ${signature}`;

const ignored = (reason: IgnoredReason): OfferOutcome => ({ kind: 'ignored', reason });
