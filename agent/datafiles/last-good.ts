// Which keys serve an earlier version than the head of the record, because the head is refused or its body is not there: what
// health, metrics and the log say of it. Knows neither sources nor HTTP.

import type { Lineage, SdkKey, Seq } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import { isOfRecord, isSame, reaches, type Version } from '../../core/version.ts';
import { type Candidate, isOfVersion, type OfferOutcome } from './sources/source.ts';

/** A head of the record that cannot be used. */
export interface UnusedHead {
  readonly lineage: Lineage;
  readonly seq: Seq;
  readonly revision: number;
  /** Why. */
  readonly code: string;
  readonly sinceMs: number;
}

export interface LastGoodOptions {
  readonly log: Log;
  readonly nowMs: () => number;
  /** The version that serves of a key; null when none does. */
  readonly heldOf: (sdkKey: SdkKey) => (Version & { readonly revision: number }) | null;
}

export class LastGood {
  readonly #options: LastGoodOptions;
  readonly #heads = new Map<SdkKey, UnusedHead>();
  /** Keys of which it was logged, until the head is another one. */
  readonly #told = new Set<SdkKey>();

  constructor(options: LastGoodOptions) {
    this.#options = options;
  }

  /** The head in whose place an earlier version serves; null where the head does, or nothing of the record. */
  of(sdkKey: SdkKey): UnusedHead | null {
    const head = this.#heads.get(sdkKey) ?? null;
    const held = this.#options.heldOf(sdkKey);
    return held !== null && isOfRecord(held) ? head : null;
  }

  /** Takes note of the outcome of a candidate. */
  judged(candidate: Candidate, outcome: OfferOutcome): void {
    const { sdkKey, lineage, seq, revision, fromRecord, fromHistory } = candidate;
    const known = this.#heads.get(sdkKey);
    const isHead = fromRecord && !fromHistory;
    if (isHead && outcome.kind === 'rejected' && isOfVersion(outcome)) {
      if (known !== undefined && isSame(known, candidate)) return;
      const { code } = outcome;
      this.#heads.set(sdkKey, { lineage, seq, revision, code, sinceMs: this.#options.nowMs() });
      this.#told.delete(sdkKey);
    } else if (isSettled(outcome)) {
      // An earlier version, out of the history or late, says nothing of the head.
      if (isHead || (known !== undefined && reaches(candidate, known))) this.forget(sdkKey);
    }
    this.#tell(sdkKey);
  }

  forget(sdkKey: SdkKey): void {
    this.#heads.delete(sdkKey);
    this.#told.delete(sdkKey);
  }

  #tell(sdkKey: SdkKey): void {
    const head = this.of(sdkKey);
    const held = this.#options.heldOf(sdkKey);
    if (head === null || held === null || this.#told.has(sdkKey)) return;
    this.#told.add(sdkKey);
    const { lineage, seq, revision } = held;
    const { seq: headSeq, revision: headRevision, code } = head;
    this.#options.log.warn('version.last-good', {
      sdkKey,
      lineage,
      seq,
      revision,
      headSeq,
      headRevision,
      code,
      remedy: 'Publish a good datafile, or roll back: agents take the next good version by themselves.',
    });
  }
}

/** The version serves, or a later one does. */
const isSettled = (outcome: OfferOutcome): boolean =>
  outcome.kind === 'accepted' ||
  (outcome.kind === 'ignored' && (outcome.reason === 'same' || outcome.reason === 'older'));
