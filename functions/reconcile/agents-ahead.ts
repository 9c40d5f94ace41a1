// Agents that serve what the record has never assigned: a message that the bus did not keep, by somebody who may publish, or a
// bucket and a bus that were both restored. No head tells of it; what agents answer to the beat does.

import { type AgentReport, QUARANTINE_DEFAULT } from '../../core/bus/refusal-reports.ts';
import { errorFields } from '../../core/errors.ts';
import type { ChangeId } from '../../core/ids.ts';
import { METRIC } from '../../core/log.ts';
import type { Manifest } from '../../core/record/manifest.ts';
import type { Deps } from '../ports.ts';
import { announceChange } from '../publish/announce-on-both-paths.ts';
import { loadCompressed } from '../publish/announce-patiently.ts';
import { leaveLineage } from '../publish/leave-lineage.ts';

/**
 * What agents say begins a new lineage of a key at most once in this time: all agents build their datafile again for it, and
 * the agents' bus user can say it under any number of names.
 */
export const RENEWAL_INTERVAL_MIN_MS = 10 * 60_000;

/**
 * Brings such agents back by a new lineage, when as many say so as it takes to quarantine a version. Their share does not
 * count: a few that are ahead would otherwise stay so for ever. Where versions are signed it is only told: an agent's word is
 * no reason to move a record that nobody else can have written. Never throws: the next beat asks again.
 */
export async function leaveToRecord(
  deps: Deps,
  change: { readonly changeId: ChangeId; readonly receivedAtMs: number },
  manifests: readonly Manifest[],
  reports: readonly AgentReport[],
  agentsMin: number = QUARANTINE_DEFAULT.agentsMin,
): Promise<void> {
  for (const manifest of manifests) {
    const { sdkKey, lineage, seq } = manifest;
    const ahead = reports.map(({ keys }) => seqIn(keys.get(sdkKey), lineage)).filter((it) => it > seq);
    if (ahead.length === 0) continue;
    // The lowest that suffices: a record behind it is behind enough agents.
    const aheadSeq = ahead.sort((a, b) => b - a)[agentsMin - 1] ?? 0;
    const fields = { sdkKey, lineage, seq, agents: ahead.length, aheadSeq: aheadSeq || ahead[0] };
    if (aheadSeq === 0 || wasJustRenewed(manifest, deps.clock.nowMs())) {
      deps.log.warn('reconcile.key', { found: 'agents-ahead', result: 'not-believed', ...fields });
      continue;
    }
    try {
      // A webhook may have moved it since: agents were faster than we then.
      const stored = await deps.record.readManifest(sdkKey);
      const isBehind = (found: Manifest) => found.lineage === lineage && found.seq < aheadSeq;
      if (stored === null || !isBehind(stored.manifest)) continue;
      deps.log.error('reconcile.key', { found: 'agents-ahead', ...fields });
      if (deps.signer === undefined) await renewAndAnnounce(deps, change, stored, isBehind);
    } catch (error) {
      deps.log.error('reconcile.key', { found: 'agents-ahead', ...fields, ...errorFields(error) });
    }
  }
}

type Renewal = Parameters<typeof leaveLineage> extends [Deps, ...infer Rest] ? Rest : never;

/** As leaveLineage(), and announces what came of it. */
export async function renewAndAnnounce(deps: Deps, ...rest: Renewal): Promise<void> {
  const left = await leaveLineage(deps, ...rest);
  if (left.kind !== 'moved') return;
  deps.metrics.count(METRIC.lineageRenewed);
  await announceChange(deps, left.manifest, () => loadCompressed(deps, left.manifest));
}

export const wasJustRenewed = ({ cause, publishedAtMs }: Manifest, nowMs: number): boolean =>
  cause === 'restore' && Math.abs(nowMs - publishedAtMs) < RENEWAL_INTERVAL_MIN_MS;

const seqIn = (report: { lineage: string; seq: number } | undefined, lineage: string): number =>
  report?.lineage === lineage ? report.seq : 0;
