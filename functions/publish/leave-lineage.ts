// A bus or an agent that is ahead of the record, or has another datafile for its seq: an old manifest was put back, or a
// stranger announced. Either way agents must not wait for a seq that has been: the record gets a new lineage. Announces nothing.

import { errorFields, FanoutError } from '../../core/errors.ts';
import type { ChangeId, Lineage } from '../../core/ids.ts';
import { METRIC } from '../../core/log.ts';
import { newLineage } from '../../core/record/lineage.ts';
import { type Manifest, renewLineage } from '../../core/record/manifest.ts';
import type { BusHead, Deps, StoredManifest } from '../ports.ts';
import { type Moved, swapUntilSettled } from './move-manifest.ts';
import { judgeHead } from './swap-head.ts';

/** Why a lineage is left. */
export interface Leaving {
  readonly changeId: ChangeId;
  readonly receivedAtMs: number;
  /** Whether what was seen is still ahead of this manifest. */
  readonly isBehind: (found: Manifest) => boolean;
  /** A lineage that the new one must be later than, beside the manifest's own. */
  readonly after?: Lineage | undefined;
}

/**
 * Gives what stands in the record a new lineage, unless another writer has settled it meanwhile.
 * @param stored the manifest, read after what is ahead of it was seen: else a webhook may have moved both in between
 * @throws FanoutError MANIFEST_CONTENDED, RECORD_UNAVAILABLE, MANIFEST_INVALID
 */
export async function leaveLineage(
  deps: Deps,
  stored: StoredManifest,
  { changeId, receivedAtMs, isBehind, after }: Leaving,
): Promise<Moved> {
  const moved = await swapUntilSettled(deps, stored.manifest.sdkKey, stored, (found) => {
    if (found === null || !isBehind(found)) return { kind: 'same', manifest: found ?? stored.manifest };
    const publishedAtMs = deps.clock.nowMs();
    const { cdn } = found;
    const arrival = { cause: 'restore', changeId, receivedAtMs, publishedAtMs, cdn } as const;
    const lineage = newLineage(publishedAtMs, deps.newId(), after ?? found.lineage);
    return { kind: 'swap', manifest: renewLineage(found, lineage, arrival) };
  });
  if (moved.kind === 'moved') deps.metrics.count(METRIC.lineageRenewed);
  return moved;
}

/**
 * For a version that was just assigned, of which the bus has a later one: most likely another change was faster. Where the
 * record knows of none, a stranger announced it, or an old manifest was put back. Never throws.
 * @returns the manifest in its new lineage, which no bus has yet; null where there was nothing to leave
 */
export async function leaveLineageBehindBus(deps: Deps, superseded: Manifest): Promise<Manifest | null> {
  // Of a signed head the record has to be fetched anew, which takes more time than a webhook has: reconcile does it.
  if (deps.signer !== undefined) return null;
  const { sdkKey, changeId, receivedAtMs, lineage, seq } = superseded;
  try {
    const head = await deps.bus.readHead(sdkKey);
    const stored = await deps.record.readManifest(sdkKey);
    const isBehind = (found: Manifest) => judgeHead(found, head) === 'superseded';
    if (stored === null || !isBehind(stored.manifest)) return null;
    const left = await leaveLineage(deps, stored, { changeId, receivedAtMs, isBehind });
    if (left.kind !== 'moved') return null;
    const fields = { oldLineage: lineage, busSeq: head?.head?.seq ?? null, seq };
    deps.log.error('change.announce-failed', { path: 'bus', found: 'bus-ahead', ...fields });
    return left.manifest;
  } catch (error) {
    deps.metrics.count(METRIC.announceFailed);
    deps.log.warn('change.announce-failed', { path: 'bus', lineage, seq, ...errorFields(error) });
    return null;
  }
}

export const busAhead = ({ sdkKey, lineage, seq }: Manifest, head: BusHead | null) =>
  new FanoutError({
    code: 'MANIFEST_INVALID',
    message: `The bus has seq ${head?.head?.seq} of ${sdkKey}, the record only seq ${seq} of that lineage, or an earlier one`,
    remedy: 'The home region renews the lineage within a minute; check that its reconcile function runs.',
    retryable: true,
    fields: { sdkKey, lineage, seq },
  });
