// What must hold of the record and of the stream at every write: bodies first and for ever, seq by one, no step back, no
// move under a pin, no announcement of a missing version. Keeps all versions that ever existed, for the checks of agents.

import { brotliDecompressSync } from 'node:zlib';
import { HEADER } from '../../../../core/bus/envelope.ts';
import { type SdkKey, sha256Of } from '../../../../core/ids.ts';
import { HISTORY_MAX, type HistoryEntry, type Manifest } from '../../../../core/record/manifest.ts';
import { bodyKey, manifestKey } from '../../../../core/record/names.ts';
import { badOf } from '../services/cheap-sdk.ts';
import type { Message } from '../services/nats-server.ts';
import type { Bad } from '../services/optimizely.ts';
import type { Stored } from '../services/s3-store.ts';
import type { World } from '../world.ts';
import type { Findings } from './findings.ts';

interface Write {
  readonly changeId: string;
  readonly by: string;
  readonly atMs: number;
}

type Good = Pick<Manifest, 'lineage' | 'seq' | 'sha256'>;

export class RecordChecks {
  /** Heads as they are, with when they came to be. */
  readonly heads = new Map<SdkKey, { manifest: Manifest; movedAtMs: number }>();
  /** The highest revision that the manifest has ever named since it was last put back. */
  readonly revisionReached = new Map<SdkKey, number>();
  readonly revisionStored = new Map<SdkKey, number>();
  readonly pinnedUntilMs = new Map<SdkKey, number>();
  readonly restoredAtMs = new Map<SdkKey, number>();
  moves = 0;
  readonly #restoredLineage = new Map<SdkKey, string>();
  readonly #world: World;
  readonly #findings: Findings;
  readonly #versions = new Map<string, Set<string>>();
  readonly #writes = new Map<string, Write>();
  readonly #bodies = new Set<string>();
  readonly #bad = new Map<string, Bad>();
  readonly #keyOf: ReadonlyMap<string, SdkKey>;

  constructor(keys: readonly SdkKey[], world: World, findings: Findings) {
    this.#world = world;
    this.#findings = findings;
    this.#keyOf = new Map(keys.map((sdkKey) => [manifestKey(sdkKey), sdkKey]));
  }

  /** Every write to the bucket. */
  written(key: string, bytes: Uint8Array, before: Stored | null, by: string): void {
    const sdkKey = this.#keyOf.get(key);
    if (sdkKey === undefined) this.#bodyWritten(key, bytes, before);
    else this.#manifestWritten(sdkKey, parse(bytes), before === null ? null : parse(before.bytes), by);
  }

  /** An operator put an older manifest back. */
  restored(sdkKey: SdkKey, bytes: Uint8Array): void {
    const manifest = parse(bytes);
    this.restoredAtMs.set(sdkKey, this.#world.nowMs);
    this.#restoredLineage.set(sdkKey, manifest.lineage);
    this.revisionReached.set(sdkKey, manifest.revision);
    this.#moved(sdkKey, manifest);
    this.#world.note('operator', `puts seq ${manifest.seq} of ${manifest.lineage} back`, sdkKey);
  }

  /** It was put back, and still has the lineage whose later versions others hold: until reconcile has renewed it. */
  isForked(sdkKey: SdkKey): boolean {
    const lineage = this.#restoredLineage.get(sdkKey);
    return lineage !== undefined && lineage === this.heads.get(sdkKey)?.manifest.lineage;
  }

  wasEver(sdkKey: string, lineage: string, seq: number, sha256: string): boolean {
    return this.#versions.get(`${sdkKey} ${lineage} ${seq}`)?.has(sha256) === true;
  }

  bad(sha256: string): Bad {
    return this.#bad.get(sha256) ?? 'no';
  }

  /** The newest version at or below `from` that agents can load, as the record has it; null when it names none. */
  newestGood(sdkKey: SdkKey, from: { readonly seq: number }): Good | null {
    const manifest = this.heads.get(sdkKey)?.manifest;
    const isGood = ({ seq, sha256 }: HistoryEntry) => seq <= from.seq && this.bad(sha256) === 'no';
    const found = manifest?.history.find(isGood);
    if (manifest === undefined || found === undefined) return null;
    return { lineage: manifest.lineage, seq: found.seq, sha256: found.sha256 };
  }

  isStored(sdkKey: SdkKey, sha256: string): boolean {
    return this.#bodies.has(bodyKey(sdkKey, sha256 as Manifest['sha256']));
  }

  writeOf(lineage: string, seq: number): Write | undefined {
    return this.#writes.get(`${lineage} ${seq}`);
  }

  /** A message that a stream has kept. */
  kept({ subject, headers, payload }: Message, before: Message | null, by: string): void {
    const sdkKey = subject.slice('df.v1.'.length);
    const get = (name: string) => headers.get(name) ?? '';
    const [lineage, seq, sha256] = [get(HEADER.lineage), Number(get(HEADER.seq)), get(HEADER.sha256)];
    const what = `seq ${seq} of ${lineage}`;
    this.#findings.check(
      this.wasEver(sdkKey, lineage, seq, sha256),
      () => `${by} announced ${what} (${sha256.slice(0, 8)}), which the record never named`,
      sdkKey,
    );
    if (get(HEADER.encoding) === 'br') {
      this.#findings.check(
        hashOf(payload) === sha256,
        () => `${by} announced ${what} with a body that is not the one it names`,
        sdkKey,
      );
    }
    if (before === null || before.headers.get(HEADER.lineage) !== lineage) return;
    const seqBefore = Number(before.headers.get(HEADER.seq));
    this.#findings.check(
      seq >= seqBefore,
      () => `${by} took the bus's head back from seq ${seqBefore} to ${seq} of ${lineage}`,
      sdkKey,
    );
  }

  #bodyWritten(key: string, bytes: Uint8Array, before: Stored | null): void {
    const sha256 = sha256Of(bytes);
    const isSame = before === null || sha256Of(before.bytes) === sha256;
    const fields = JSON.parse(new TextDecoder().decode(bytes));
    this.#findings.check(isSame, () => `the body ${key} was changed after it was written`, fields.sdkKey);
    this.#findings.check(key.includes(sha256), () => `${key} holds other bytes than its name says`);
    this.#bodies.add(key);
    this.#bad.set(sha256, badOf(bytes));
    const stored = this.revisionStored.get(fields.sdkKey) ?? 0;
    this.revisionStored.set(fields.sdkKey, Math.max(stored, Number(fields.revision)));
  }

  #manifestWritten(sdkKey: SdkKey, next: Manifest, before: Manifest | null, by: string): void {
    const check = (holds: boolean, what: string) =>
      this.#findings.check(holds, () => `${by} wrote seq ${next.seq} of ${next.lineage}: ${what}`, sdkKey);
    check(this.isStored(sdkKey, next.sha256), 'the body that it names is not in the record (3)');
    const isMarked = before !== null && next.seq === before.seq && next.sha256 === before.sha256;
    if (isMarked && next.lineage === before.lineage) {
      // Pinned, unpinned or marked: the body stays, and so the seq.
      this.#moved(sdkKey, next);
      return;
    }
    check(next.seq === (before?.seq ?? 0) + 1, `after seq ${before?.seq ?? 0}, so that history has a gap`);
    const [head, ...past] = next.history;
    const kept = pastUnder(next, before).slice(0, HISTORY_MAX - 1);
    const isGapless = head?.seq === next.seq && kept.every(({ seq }, i) => past[i]?.seq === seq);
    check(isGapless && past.length === kept.length, 'its history has a gap');
    if (before !== null) this.#checkStep(check, next, before);
    this.moves++;
    this.#moved(sdkKey, next);
    this.revisionReached.set(sdkKey, Math.max(this.revisionReached.get(sdkKey) ?? 0, next.revision));
    this.#writes.set(`${next.lineage} ${next.seq}`, { changeId: next.changeId, by, atMs: this.#world.nowMs });
    const { sha256, cause } = next;
    this.#world.note(
      'record',
      `seq ${next.seq} of ${next.lineage}: revision ${next.revision} ${sha256.slice(0, 8)} (${cause}) by ${by}`,
      sdkKey,
    );
  }

  #checkStep(check: (holds: boolean, what: string) => void, next: Manifest, before: Manifest): void {
    const isOnPurpose = next.cause === 'rollback' || next.cause === 'restore';
    check(next.lineage === before.lineage || isOnPurpose, `it replaced the lineage ${before.lineage}`);
    if (isOnPurpose) return;
    check(before.pin === null, 'it moved a pinned manifest');
    check(next.revision >= before.revision, `it went back from revision ${before.revision}`);
    const isNewer =
      next.revision > before.revision || (next.cdn.lastModifiedMs ?? 0) > (before.cdn.lastModifiedMs ?? 0);
    check(isNewer, 'an equal revision replaced one that was modified later');
  }

  #moved(sdkKey: SdkKey, manifest: Manifest): void {
    const before = this.heads.get(sdkKey)?.manifest;
    this.#named(sdkKey, manifest.lineage, manifest);
    // A lineage that takes over from another one has its history too.
    if (before?.lineage !== manifest.lineage)
      for (const entry of manifest.history) this.#named(sdkKey, manifest.lineage, entry);
    const pinBefore = before?.pin ?? null;
    if (manifest.pin !== null) this.pinnedUntilMs.set(sdkKey, Number.POSITIVE_INFINITY);
    else if (pinBefore !== null) this.pinnedUntilMs.set(sdkKey, this.#world.nowMs);
    this.heads.set(sdkKey, { manifest, movedAtMs: this.#world.nowMs });
  }

  #named(sdkKey: SdkKey, lineage: string, { seq, sha256 }: Pick<Manifest, 'seq' | 'sha256'>): void {
    const id = `${sdkKey} ${lineage} ${seq}`;
    this.#versions.set(id, (this.#versions.get(id) ?? new Set()).add(sha256));
  }
}

const parse = (bytes: Uint8Array): Manifest => JSON.parse(new TextDecoder().decode(bytes));

function hashOf(payload: Uint8Array): string | null {
  try {
    return sha256Of(brotliDecompressSync(payload));
  } catch {
    return null; // Not a payload of the publisher: the caller reports it.
  }
}

/** What the history holds below a new entry: a renewal of a body takes the place of one just before it, all others stay. */
function pastUnder({ cause, sha256 }: Manifest, before: Manifest | null): Manifest['history'] {
  const [last, ...others] = before?.history ?? [];
  if (last === undefined) return [];
  const isRenewal = cause === 'restore' || cause === 'resign';
  return isRenewal && last.cause === cause && last.sha256 === sha256 ? others : [last, ...others];
}
