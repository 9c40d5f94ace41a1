// The only writer: body, then manifest, then announcement, in that order, so that no agent is ever pointed at a body that is
// not there. Takes a datafile that was already found good; how it was fetched is not known here.

import { compressBody } from '../../core/bus/envelope.ts';
import type { Datafile } from '../../core/datafile/datafile.ts';
import { leftOutFields } from '../../core/datafile/left-out.ts';
import { isFanoutError } from '../../core/errors.ts';
import type { ChangeId } from '../../core/ids.ts';
import { METRIC } from '../../core/log.ts';
import type { DatafileSource } from '../../core/projects.ts';
import {
  type Arrival,
  advance,
  type Cause,
  type CdnValidators,
  type Manifest,
} from '../../core/record/manifest.ts';
import type { DatafileRecord, Deps, StoredManifest } from '../ports.ts';
import type { EarlyHead } from './announce-fast.ts';
import { announceFound, announceOnBothPaths } from './announce-on-both-paths.ts';
import { type Moved, moveManifest } from './move-manifest.ts';

/** For which datafile, and why, the record is brought up to date. */
export interface Change {
  readonly source: DatafileSource;
  readonly projectId: string;
  readonly changeId: ChangeId;
  readonly receivedAtMs: number;
  readonly cause: Cause;
}

/** A datafile that was fetched and found good. */
export interface GoodDatafile {
  /** The manifest as read before, null when there was none. */
  readonly current: StoredManifest | null;
  readonly datafile: Datafile;
  readonly validators: CdnValidators;
  readonly earlyHead?: EarlyHead;
}

/**
 * Stores a good datafile and announces it, or finds out why that is not needed.
 * @throws FanoutError RECORD_UNAVAILABLE, MANIFEST_CONTENDED, MANIFEST_INVALID; once it is stored nothing is thrown
 */
export async function publishDatafile(
  deps: Deps,
  change: Change,
  { current, datafile, validators, earlyHead }: GoodDatafile,
): Promise<Moved> {
  const { cause, changeId, receivedAtMs } = change;
  const arrival = (): Arrival => ({
    cause,
    changeId,
    receivedAtMs,
    publishedAtMs: deps.clock.nowMs(),
    cdn: validators,
  });
  const isNews = current === null || 'manifest' in advance(current.manifest, datafile, arrival());
  // Compressing runs beside the writes; where nothing will be published it is not begun.
  let compressing = isNews ? compressed(deps, datafile) : null;
  const loadOwn = () => {
    compressing ??= compressed(deps, datafile);
    return compressing;
  };

  if (current?.manifest.sha256 !== datafile.sha256) await archive(deps, datafile);
  const moved = await moveManifest(deps, current, datafile, arrival());
  if (moved.kind !== 'moved') {
    const { lineage, seq, revision } = moved.manifest;
    deps.log.info('manifest.kept', {
      reason: moved.kind,
      offered: datafile.revision,
      lineage,
      seq,
      revision,
    });
    await announceFound(deps, { changeId, manifest: moved.manifest }, earlyHead);
    return moved;
  }
  const { lineage, seq, revision, sha256, publishedAtMs } = moved.written;
  const latencyMs = publishedAtMs - receivedAtMs;
  deps.log.info('manifest.moved', { cause, lineage, seq, revision, sha256, latencyMs });
  deps.metrics.count(METRIC.changePublished);
  deps.metrics.timeMs(METRIC.publishLatencyMs, latencyMs);
  // The head is announced, which another writer may have moved on to another body.
  const isOwnBody = moved.manifest.sha256 === datafile.sha256;
  if (isOwnBody) tellLeftOut(deps, moved.manifest, datafile);
  const atHand = isOwnBody ? { load: loadOwn, earlyHead } : { earlyHead };
  await announceOnBothPaths(deps, moved.manifest, atHand);
  return moved;
}

/** Once per version: agents serve it without these parts. */
function tellLeftOut({ log, metrics }: Deps, { seq, revision }: Manifest, { leftOut = [] }: Datafile): void {
  if (leftOut.length === 0) return;
  metrics.count(METRIC.datafileLeftOut, leftOut.length);
  log.warn('datafile.left-out', { seq, revision, ...leftOutFields(leftOut) });
}

/** Keeps a good body that may never become current. @throws FanoutError RECORD_UNAVAILABLE */
export async function archive(
  { record, log, signer }: Deps,
  { sdkKey, sha256, revision, body }: Datafile,
): Promise<void> {
  const outcome = await record.putBody(sdkKey, sha256, body);
  if (outcome === 'already-there' && signer !== undefined) await mend(record, { sdkKey, sha256, body });
  log.info('datafile.archived', { outcome, revision, sha256, bytes: body.byteLength });
}

/** Where signatures are asked for, the bucket is not trusted to hold what was written to it. */
async function mend(
  record: DatafileRecord,
  { sdkKey, sha256, body }: Pick<Datafile, 'sdkKey' | 'sha256' | 'body'>,
): Promise<void> {
  try {
    await record.readBody(sdkKey, sha256);
  } catch (error) {
    // Other bytes, or far too many.
    const isOther =
      isFanoutError(error, 'BODY_CORRUPT') || (isFanoutError(error) && 'bytesMax' in error.fields);
    if (!isOther || record.replaceBody === undefined) throw error;
    await record.replaceBody(sdkKey, sha256, body);
  }
}

function compressed({ compress = compressBody }: Deps, { body }: Datafile): Promise<Uint8Array> {
  const compressing = compress(body);
  // Awaited only where it is published; a write that fails first must not leave a rejection unhandled.
  compressing.catch(() => {});
  return compressing;
}
