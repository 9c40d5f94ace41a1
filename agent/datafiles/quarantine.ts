// Which versions of the record this agent refuses: what health and metrics show of it, and what it tells the publisher when
// a beat asks. Only what the record itself names counts: a bad message may be a stranger's. Knows neither sources nor HTTP.

import type { Beat } from '../../core/bus/beat.ts';
import {
  type AgentReport,
  encodeReport,
  type KeyReport,
  REPORT_JITTER_MS,
} from '../../core/bus/refusal-reports.ts';
import type { Clock, Random, Timer } from '../../core/clock.ts';
import type { Lineage, SdkKey, Seq } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import { canarySubject } from '../../core/record/names.ts';
import { uuid } from '../../core/uuid.ts';
import { isBehind, isSame, isSameLineage, type Version } from '../../core/version.ts';
import type { NotificationChannel } from './sources/side-channel.ts';
import type { Candidate, OfferOutcome } from './sources/source.ts';

/** Codes of errors that are about the datafile itself, not about how it came. */
const OF_THE_DATAFILE = 'DATAFILE_';

/** One key's refused version. */
export interface Quarantined {
  readonly lineage: Lineage;
  readonly seq: Seq;
  readonly revision: number;
  readonly code: string;
  readonly sinceMs: number;
}

export interface QuarantineOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** The version that serves of a key; null when none does. */
  readonly heldOf: (sdkKey: SdkKey) => Version | null;
  /** Whether the agent follows a key at all. */
  readonly serves: (sdkKey: SdkKey) => boolean;
  /** Null where there is no bus to say it on. */
  readonly channel: () => Pick<NotificationChannel, 'publish'> | null;
}

export class Quarantine {
  readonly #options: QuarantineOptions;
  readonly #agent: string;
  readonly #refused = new Map<SdkKey, Quarantined>();
  #count = 0;
  #timer: Timer | null = null;

  constructor(options: QuarantineOptions) {
    this.#options = options;
    this.#agent = uuid(options.random);
  }

  /** Refused versions since the start. */
  get count(): number {
    return this.#count;
  }

  of(sdkKey: SdkKey): Quarantined | null {
    return this.#refused.get(sdkKey) ?? null;
  }

  all(): ReadonlyMap<SdkKey, Quarantined> {
    return this.#refused;
  }

  /** Takes note of the outcome of a candidate. */
  judged(candidate: Candidate, outcome: OfferOutcome): void {
    const { sdkKey, lineage, seq, revision, sha256, fromRecord, fromHistory } = candidate;
    const known = this.#refused.get(sdkKey);
    // From the cache or the CDN may come what is older than the refused one.
    const isNews =
      known !== undefined && isSameLineage(known, candidate) ? isBehind(known, candidate) : fromRecord;
    if (outcome.kind === 'accepted' && isNews) this.#refused.delete(sdkKey);
    // Publisher and operator have to know of the head, not of the versions tried in its place.
    if (fromHistory) return;
    if (outcome.kind !== 'rejected' || !fromRecord || !outcome.code.startsWith(OF_THE_DATAFILE)) return;
    const { clock, log } = this.#options;
    if (known !== undefined && isSame(known, candidate)) return;
    this.#count++;
    const { code } = outcome;
    this.#refused.set(sdkKey, { lineage, seq, revision, code, sinceMs: clock.nowMs() });
    log.error('version.quarantined', { sdkKey, lineage, seq, revision, sha256, code });
  }

  forget(sdkKey: SdkKey): void {
    this.#refused.delete(sdkKey);
  }

  /** Answers when it is among those that are asked: some time later, so that the agents do not all speak at once. */
  beat({ heads, askShare = 0 }: Beat): void {
    const { clock, random } = this.#options;
    if (random() >= askShare || this.#timer !== null) return;
    this.#timer = clock.after(random() * REPORT_JITTER_MS, () => {
      this.#timer = null;
      const report = this.report([...heads.keys()]);
      const subject = canarySubject(this.#agent);
      if (report.keys.size > 0) this.#options.channel()?.publish(subject, encodeReport(report));
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** About the keys that the agent follows and has a version of, or refuses one of. */
  report(sdkKeys: readonly SdkKey[]): AgentReport {
    const keys = new Map<SdkKey, KeyReport>();
    for (const sdkKey of sdkKeys) {
      const report = this.#options.serves(sdkKey) ? this.#reportOf(sdkKey) : null;
      if (report !== null) keys.set(sdkKey, report);
    }
    return { agent: this.#agent, keys };
  }

  #reportOf(sdkKey: SdkKey): KeyReport | null {
    const held = this.#options.heldOf(sdkKey);
    const refused = this.#refused.get(sdkKey);
    if (refused === undefined)
      return held === null ? null : { lineage: held.lineage, seq: held.seq, quarantined: null };
    const { lineage, seq, code } = refused;
    const serving = held !== null && isSameLineage(held, refused) ? held.seq : (0 as Seq);
    return { lineage, seq: serving, quarantined: { seq, code } };
  }
}
