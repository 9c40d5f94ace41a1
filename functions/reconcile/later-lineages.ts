// Where versions are signed, agents take no lineage that began before theirs. One that a publisher with a clock ahead has begun
// is in their way when record and bus have both been lost: what begins then looks older. What agents answer to the beat tells.

import { type AgentReport, QUARANTINE_DEFAULT } from '../../core/bus/refusal-reports.ts';
import { errorFields } from '../../core/errors.ts';
import type { ChangeId, Lineage } from '../../core/ids.ts';
import { bornAtMs, isLaterLineage } from '../../core/record/lineage.ts';
import type { Manifest } from '../../core/record/manifest.ts';
import type { Deps } from '../ports.ts';
import { renewAndAnnounce, wasJustRenewed } from './agents-ahead.ts';

/**
 * How far ahead of our clock a lineage may have begun and still be followed. Each one that is followed moves the end of time
 * nearer, and whoever has the agents' bus user may name one.
 */
export const LINEAGE_AHEAD_MAX_MS = 48 * 60 * 60_000;

/**
 * Begins a lineage later than the one that at least `agentsMin` agents serve, with the record's own datafile. Never throws: the
 * next beat asks again.
 */
export async function followLaterLineages(
  deps: Deps,
  change: { readonly changeId: ChangeId; readonly receivedAtMs: number },
  manifests: readonly Manifest[],
  reports: readonly AgentReport[],
  agentsMin: number = QUARANTINE_DEFAULT.agentsMin,
): Promise<void> {
  // Agents that look at no signature take whatever lineage the record has.
  if (deps.signer === undefined) return;
  for (const manifest of manifests) {
    const { sdkKey, lineage } = manifest;
    const later = latestOf(reports, manifest, agentsMin);
    if (later === null || wasJustRenewed(manifest, deps.clock.nowMs())) continue;
    const fields = { sdkKey, lineage, agentsLineage: later };
    try {
      const isTooFar = (bornAtMs(later) ?? 0) - deps.clock.nowMs() > LINEAGE_AHEAD_MAX_MS;
      deps.log.error('reconcile.key', {
        found: 'agents-in-later-lineage',
        ...fields,
        ...(isTooFar && { result: 'not-believed' }),
      });
      const stored = isTooFar ? null : await deps.record.readManifest(sdkKey);
      if (stored === null) continue;
      const isBefore = (found: Manifest) => isLaterLineage(later, found.lineage);
      if (isBefore(stored.manifest)) await renewAndAnnounce(deps, change, stored, isBefore, later);
    } catch (error) {
      deps.log.error('reconcile.key', { found: 'agents-in-later-lineage', ...fields, ...errorFields(error) });
    }
  }
}

/** The latest lineage after the manifest's that enough agents serve. */
function latestOf(
  reports: readonly AgentReport[],
  { sdkKey, lineage }: Manifest,
  agentsMin: number,
): Lineage | null {
  const counts = new Map<Lineage, number>();
  for (const { keys } of reports) {
    const held = keys.get(sdkKey)?.lineage;
    if (held !== undefined && isLaterLineage(held, lineage)) counts.set(held, (counts.get(held) ?? 0) + 1);
  }
  const enough = [...counts].filter(([, count]) => count >= agentsMin).map(([held]) => held);
  return enough.reduce<Lineage | null>(
    (latest, held) => (latest === null || isLaterLineage(held, latest) ? held : latest),
    null,
  );
}
