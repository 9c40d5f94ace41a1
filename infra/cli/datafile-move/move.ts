// Moves made on purpose: back to an older datafile, held there by a pin, and let go again. Each is one compare-and-swap of the
// manifest, as every other change; agents see a new seq, never an old one.

import type { ChangeId } from '../../../core/ids.ts';
import { type HistoryEntry, type Manifest, pin, rollback, unpin } from '../../../core/record/manifest.ts';
import { announceFast } from '../../../functions/publish/announce-fast.ts';
import { announceOnBothPaths } from '../../../functions/publish/announce-on-both-paths.ts';
import { type Moved, swapUntilSettled } from '../../../functions/publish/move-manifest.ts';
import { notFound } from '../command.ts';
import type { Writer } from './writer.ts';

export interface MoveResult {
  readonly kind: Moved['kind'];
  readonly manifest: Manifest;
  /** Null where no agent has to hear of it: the datafile is the same. */
  readonly announced: {
    readonly onBus: boolean;
    readonly onTopic: boolean;
    /** Why the bus was not told; empty where it was. */
    readonly because: string;
  } | null;
}

/**
 * Points the record at an older body under a new seq, and pins it there.
 * @throws FanoutError BODY_MISSING, BODY_CORRUPT, DATAFILE_UNLOADABLE, RECORD_UNAVAILABLE, MANIFEST_CONTENDED
 */
export async function rollBack(writer: Writer, entry: HistoryEntry, reason: string): Promise<MoveResult> {
  const { deps, sdkKey, stored } = writer;
  const { projectId } = stored.manifest;
  const body = await deps.record.readBody(sdkKey, entry.sha256);
  // Once good is not good for ever: the SDK may be a newer one by now.
  const datafile = deps.sdkCheck(body, { sdkKey, projectId });
  const nowMs = deps.clock.nowMs();
  const arrival = {
    cause: 'rollback',
    changeId: `rollback-${deps.newId()}` as ChangeId,
    receivedAtMs: nowMs,
    publishedAtMs: nowMs,
    // Optimizely serves something else, whose validators would keep it from us once the pin is gone.
    cdn: { etag: null, lastModifiedMs: null },
  } as const;
  const moved = await swap(writer, (found) => rollback(found, datafile, arrival, reason));
  return { ...moved, announced: await announce(writer, moved.manifest) };
}

/** Keeps webhooks from moving what is served. @throws FanoutError RECORD_UNAVAILABLE, MANIFEST_CONTENDED */
export async function pinHere(writer: Writer, reason: string): Promise<MoveResult> {
  const nowMs = writer.deps.clock.nowMs();
  return { ...(await swap(writer, (found) => pin(found, reason, nowMs))), announced: null };
}

/** Lets the next webhook or reconcile run move it again. @throws FanoutError RECORD_UNAVAILABLE, MANIFEST_CONTENDED */
export async function unpinHere(writer: Writer): Promise<MoveResult> {
  const moved = await swap(writer, (found) => (found.pin === null ? null : unpin(found)));
  return { ...moved, announced: null };
}

/** `to` says null where there is nothing to change. */
function swap({ deps, sdkKey, stored }: Writer, to: (found: Manifest) => Manifest | null): Promise<Moved> {
  return swapUntilSettled(deps, sdkKey, stored, (found) => {
    if (found === null)
      throw notFound(`The record of ${sdkKey} is gone`, 'Look who removes it; nothing was done.');
    const manifest = to(found);
    return manifest === null ? { kind: 'same', manifest: found } : { kind: 'swap', manifest };
  });
}

/** The move is in the record already: where announcing it fails, reconcile announces it within a minute. */
async function announce({ deps, hasTopic, troubles }: Writer, manifest: Manifest) {
  const told = hasTopic
    ? await announceOnBothPaths(deps, manifest)
    : { onBus: (await announceFast(deps, manifest)) !== 'failed', onTopic: false };
  return { ...told, because: told.onBus ? '' : (troubles.get('bus') ?? '') };
}
