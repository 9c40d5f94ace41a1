// Agents that serve what the record has never assigned: a message that the bus did not keep, by somebody who may publish, or a
// bucket and a bus that were both restored. No head tells of it; what agents answer to the beat does.

import type { AgentReport } from '../../core/canary.ts';
import { errorFields } from '../../core/errors.ts';
import type { ChangeId } from '../../core/ids.ts';
import { METRIC } from '../../core/log.ts';
import type { Manifest } from '../../core/manifest.ts';
import { announceChange } from '../announce-change.ts';
import { loadCompressed } from '../announce-head.ts';
import { leaveLineage } from '../leave-lineage.ts';
import type { Deps } from '../ports.ts';

/**
 * Brings such agents back by a new lineage. Where versions are signed it is only told: an agent's word is no reason to move a
 * record that nobody else can have written. Never throws: the next beat asks again.
 */
export async function leaveToRecord(
  deps: Deps,
  change: { readonly changeId: ChangeId; readonly receivedAtMs: number },
  manifests: readonly Manifest[],
  reports: readonly AgentReport[],
): Promise<void> {
  for (const { sdkKey, lineage, seq } of manifests) {
    const aheadSeq = Math.max(0, ...reports.map(({ keys }) => seqIn(keys.get(sdkKey), lineage)));
    if (aheadSeq <= seq) continue;
    const fields = { sdkKey, lineage, seq, aheadSeq };
    try {
      // A webhook may have moved it since: agents were faster than we then.
      const stored = await deps.record.readManifest(sdkKey);
      const isBehind = (found: Manifest) => found.lineage === lineage && found.seq < aheadSeq;
      if (stored === null || !isBehind(stored.manifest)) continue;
      deps.log.error('reconcile.key', { found: 'agents-ahead', ...fields });
      if (deps.signer !== undefined) continue;
      const left = await leaveLineage(deps, change, stored, isBehind);
      if (left.kind !== 'moved') continue;
      deps.metrics.count(METRIC.lineageRenewed);
      await announceChange(deps, left.manifest, () => loadCompressed(deps, left.manifest));
    } catch (error) {
      deps.log.error('reconcile.key', { found: 'agents-ahead', ...fields, ...errorFields(error) });
    }
  }
}

const seqIn = (report: { lineage: string; seq: number } | undefined, lineage: string): number =>
  report?.lineage === lineage ? report.seq : 0;
