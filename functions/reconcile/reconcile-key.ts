// Heals one SDK key: compares Optimizely with the record, then the record with the bus. Each half does its work although the
// other fails; failures are returned rather than thrown.

import { errorFields, FanoutError } from '../../core/errors.ts';
import { METRIC } from '../../core/log.ts';
import type { DatafileSource } from '../../core/projects.ts';
import type { Manifest } from '../../core/record/manifest.ts';
import type { BusHead, Deps, StoredManifest } from '../ports.ts';
import { announceOnBothPaths } from '../publish/announce-on-both-paths.ts';
import { announcePatiently } from '../publish/announce-patiently.ts';
import { busAhead, leaveLineage } from '../publish/leave-lineage.ts';
import { judgeHead } from '../publish/swap-head.ts';
import { followCdn } from './follow-cdn.ts';
import type { KeyRun } from './key-run.ts';
import { beginAnew, resignOld } from './signed-lineage.ts';

/** The webhook that brought a change this young is still announcing it. */
const ANNOUNCE_GRACE_MS = 5_000;

export interface KeyResult {
  /** What the record says now; null when it could not be read or has nothing. */
  readonly manifest: Manifest | null;
  readonly failures: readonly unknown[];
}

/** Never throws. */
export async function reconcileKey(deps: Deps, run: KeyRun): Promise<KeyResult> {
  const failures: unknown[] = [];
  const attempt = async <T>(work: () => Promise<T>): Promise<T | null> => {
    try {
      return await work();
    } catch (error) {
      failures.push(error);
      deps.log.error('reconcile.key', errorFields(error));
      return null;
    }
  };
  const { sdkKey } = run.source;
  if (run.role === 'home') {
    await attempt(() => followCdn(deps, run));
    if (deps.signer !== undefined) await attempt(() => resignOld(deps, run));
  }
  // Read again: the first half, a webhook or another region may have moved it.
  const stored = await attempt(() => deps.record.readManifest(sdkKey));
  if (stored === null) return { manifest: null, failures };
  const followed = await attempt(() => followRecord(deps, run, stored));
  return { manifest: followed ?? stored.manifest, failures };
}

/** Brings the bus in step with the record; returns the manifest that is the head in the end. */
async function followRecord(deps: Deps, run: KeyRun, stored: StoredManifest): Promise<Manifest> {
  const { sdkKey } = run.source;
  const head = await readHeadOrNone(deps, sdkKey);
  let current = stored;
  if (isSuperseded(current.manifest, head)) {
    // Most likely a webhook moved both between our two reads.
    current = (await deps.record.readManifest(sdkKey)) ?? stored;
    if (isSuperseded(current.manifest, head)) return leaveOldLineage(deps, run, current, head);
  }
  const { manifest } = current;
  const verdict = judgeHead(manifest, head);
  if (verdict === 'already' || verdict === 'quarantined') return manifest;
  const { seq, lineage, publishedAtMs } = manifest;
  if (deps.clock.nowMs() - publishedAtMs > ANNOUNCE_GRACE_MS) {
    deps.metrics.count(METRIC.busBehind);
    deps.log.warn('reconcile.key', { found: 'bus-behind', lineage, seq, busSeq: head?.head?.seq ?? null });
  }
  await announcePatiently(deps, manifest);
  return manifest;
}

const isSuperseded = (manifest: Manifest, head: BusHead | null): boolean =>
  judgeHead(manifest, head) === 'superseded';

/** A missing stream is an empty bus here: announcePatiently() makes it. */
async function readHeadOrNone({ bus }: Deps, sdkKey: DatafileSource['sdkKey']): Promise<BusHead | null> {
  try {
    return await bus.readHead(sdkKey);
  } catch (error) {
    if (error instanceof FanoutError && error.code === 'STREAM_MISSING') return null;
    throw error;
  }
}

/** The bus is ahead of the record: a bucket was restored. Agents must not wait for a seq that comes again years later. */
async function leaveOldLineage(
  deps: Deps,
  run: KeyRun,
  stored: StoredManifest,
  head: BusHead | null,
): Promise<Manifest> {
  if (run.role !== 'home') throw busAhead(stored.manifest, head);
  const isSigned = deps.signer !== undefined && head !== null;
  const { changeId, startedAtMs: receivedAtMs } = run;
  const renewed = isSigned
    ? await beginAnew(deps, run, stored, head)
    : await leaveLineage(deps, stored, {
        changeId,
        receivedAtMs,
        isBehind: (found) => isSuperseded(found, head),
      });
  const { manifest } = renewed;
  if (renewed.kind === 'moved') {
    const { lineage, seq } = manifest;
    deps.log.error('reconcile.key', {
      found: 'bus-ahead',
      lineage,
      seq,
      oldLineage: stored.manifest.lineage,
    });
    await announceOnBothPaths(deps, manifest);
  }
  await announcePatiently(deps, manifest);
  return manifest;
}
