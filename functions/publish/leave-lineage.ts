// A bus or an agent that is ahead of the record, or has another datafile for its seq: an old manifest was put back, or somebody
// else announced. Either way agents must not wait for a seq that has been: the record gets a new lineage.

import { FanoutError } from '../../core/errors.ts';
import type { ChangeId, Lineage } from '../../core/ids.ts';
import { newLineage } from '../../core/record/lineage.ts';
import { type Manifest, renewLineage } from '../../core/record/manifest.ts';
import type { BusHead, Deps, StoredManifest } from '../ports.ts';
import { type Moved, swapUntilSettled } from './move-manifest.ts';

/**
 * Gives what stands in the record a new lineage, unless somebody else has settled it meanwhile.
 * @param stored the manifest, read after what is ahead of it was seen: else a webhook may have moved both in between
 * @param isBehind whether what was seen is still ahead of this manifest
 * @param after a lineage that the new one must be later than, beside the manifest's own
 * @throws FanoutError MANIFEST_CONTENDED, RECORD_UNAVAILABLE, MANIFEST_INVALID
 */
export function leaveLineage(
  deps: Deps,
  { changeId, receivedAtMs }: { readonly changeId: ChangeId; readonly receivedAtMs: number },
  stored: StoredManifest,
  isBehind: (found: Manifest) => boolean,
  after?: Lineage,
): Promise<Moved> {
  return swapUntilSettled(deps, stored.manifest.sdkKey, stored, (found) => {
    if (found === null || !isBehind(found)) return { kind: 'same', manifest: found ?? stored.manifest };
    const publishedAtMs = deps.clock.nowMs();
    const { cdn } = found;
    const arrival = { cause: 'restore', changeId, receivedAtMs, publishedAtMs, cdn } as const;
    const lineage = newLineage(publishedAtMs, deps.newId(), after ?? found.lineage);
    return { kind: 'swap', manifest: renewLineage(found, lineage, arrival) };
  });
}

export const busAhead = ({ sdkKey, lineage, seq }: Manifest, head: BusHead | null) =>
  new FanoutError({
    code: 'MANIFEST_INVALID',
    message: `The bus has seq ${head?.head?.seq} of ${sdkKey}, the record only seq ${seq} of that lineage, or an earlier one`,
    remedy: 'The home region renews the lineage within a minute; check that its reconcile function runs.',
    retryable: true,
    fields: { sdkKey, lineage, seq },
  });
