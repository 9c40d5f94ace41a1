// What must hold when a function has ended: no 2xx without the change being safe, no notice done without its revision in the
// record, and no function mistaken about a write of its own.

import type { Notice } from '../../../../core/bus/notice.ts';
import type { SdkKey } from '../../../../core/ids.ts';
import type { Sns } from '../services/sns.ts';
import type { Findings } from './findings.ts';
import type { RecordChecks } from './record-checks.ts';

type Fields = Readonly<Record<string, unknown>>;

export class FunctionChecks {
  readonly #findings: Findings;
  readonly #record: RecordChecks;
  readonly #sns: Sns;

  constructor(findings: Findings, record: RecordChecks, sns: Sns) {
    this.#findings = findings;
    this.#record = record;
    this.#sns = sns;
  }

  /** Invariant 5, at the moment of the answer. @param isBad whether Optimizely has served since what may not be taken */
  webhookAnswered(sdkKey: SdkKey, revision: number, status: number, sinceMs: number, isBad: boolean): void {
    const what = `a webhook for revision ${revision} was answered ${status}`;
    const check = (holds: boolean, why: string) =>
      this.#findings.check(holds, () => `${what} ${why}`, sdkKey);
    check([202, 204, 503].includes(status) || (status === 422 && isBad), 'although it was right');
    if (status === 204) {
      check((this.#record.revisionStored.get(sdkKey) ?? 0) >= revision, 'and is not in S3 (5)');
      const reached = (this.#record.revisionReached.get(sdkKey) ?? 0) >= revision;
      check(reached || this.#mayBeKept(sdkKey, sinceMs), 'and the manifest does not have it (5)');
    }
    if (status === 202) {
      const isQueued = [...this.#sns.liveRefetches].some(
        (notice) => notice.sdkKey === sdkKey && notice.revision >= revision,
      );
      const isThere = (this.#record.revisionReached.get(sdkKey) ?? 0) >= revision;
      check(isQueued || isThere || this.#mayBeKept(sdkKey, sinceMs), 'and nothing is queued (5)');
    }
  }

  /** A refetch that its function says is done. */
  refetched(notice: Notice, sinceMs: number): void {
    const { sdkKey, revision } = notice;
    const reached = (this.#record.revisionReached.get(sdkKey) ?? 0) >= revision;
    this.#findings.check(
      reached || this.#mayBeKept(sdkKey, sinceMs),
      () => `a refetch of revision ${revision} is done, and the record does not have it (5)`,
      sdkKey,
    );
  }

  /** A function's log line. */
  logged(actor: string, event: string, fields: Fields): void {
    if (event === 'change.announce-failed' && fields.code === 'ANNOUNCE_FAILED') {
      const text = `${actor} gave up announcing seq ${fields.seq}, although no other writer kept moving the head`;
      this.#findings.check(false, () => text, String(fields.sdkKey ?? ''));
    }
    if (event !== 'manifest.kept' || fields.reason !== 'same') return;
    const write = this.#record.writeOf(String(fields.lineage), Number(fields.seq));
    const isOwn = write?.by === actor && write.changeId === fields.changeId;
    this.#findings.check(
      !isOwn || write.atMs < this.#startedAtMs(actor),
      () => `${actor} took its own write of seq ${fields.seq} for another function's: it is not announced`,
      String(fields.sdkKey ?? ''),
    );
  }

  readonly #started = new Map<string, number>();

  started(actor: string, atMs: number): void {
    this.#started.set(actor, atMs);
  }

  #startedAtMs(actor: string): number {
    return this.#started.get(actor) ?? 0;
  }

  /** Pinned meanwhile, or put back: then only the archive has it. */
  #mayBeKept(sdkKey: SdkKey, sinceMs: number): boolean {
    const pinned = this.#record.pinnedUntilMs.get(sdkKey) ?? 0;
    const restored = this.#record.restoredAtMs.get(sdkKey) ?? 0;
    return pinned >= sinceMs || restored >= sinceMs;
  }
}
