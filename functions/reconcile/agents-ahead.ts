// Agents that serve a version which the record never reaches: a later seq of its lineage, which a stranger announced past the
// stream or which a restored bucket and bus both forgot, or a lineage that a publisher with a fast clock began. No head shows it;
// the agents' answers to the beat do. A new lineage brings them back.

import { type AgentReport, type KeyReport, QUARANTINE_DEFAULT } from '../../core/bus/refusal-reports.ts';
import { errorFields } from '../../core/errors.ts';
import type { ChangeId, Lineage } from '../../core/ids.ts';
import { bornAtMs } from '../../core/record/lineage.ts';
import type { Manifest } from '../../core/record/manifest.ts';
import { isBehind, isLaterLineage, newestFirst, type Version } from '../../core/version.ts';
import type { Deps } from '../ports.ts';
import { announceOnBothPaths } from '../publish/announce-on-both-paths.ts';
import { leaveLineage } from '../publish/leave-lineage.ts';

/**
 * Reports of agents begin a new lineage of a key at most once in this time: all agents build their datafile again for it, and
 * the agents' bus user can send reports under any number of names.
 */
export const RENEWAL_INTERVAL_MIN_MS = 10 * 60_000;

/**
 * How far ahead of our clock a lineage may have begun and still be followed. Lineages have 48 bits for their time, each one that
 * is followed uses some of them up, and every holder of the agents' bus user may name one.
 */
export const LINEAGE_AHEAD_MAX_MS = 48 * 60 * 60_000;

/** What the agents answered to one beat. */
export interface Answers {
  /** As the record had them when the beat was sent. */
  readonly manifests: readonly Manifest[];
  readonly reports: readonly AgentReport[];
  /** How many agents must say the same. Their share does not count: a few that are ahead would otherwise stay so for ever. */
  readonly agentsMin?: number;
}

/** Agents of one key that are ahead of its manifest. */
interface Ahead {
  readonly found: 'agents-ahead' | 'agents-in-later-lineage';
  /** For the log line. */
  readonly fields: object;
  /** Why the agents' word is not enough, as the level of the log line; null where it is. */
  readonly doubt: 'warn' | 'error' | null;
  /** Whether they are ahead of this manifest too. */
  readonly isBehind: (found: Manifest) => boolean;
  /** What the new lineage must be later than. */
  readonly after?: Lineage;
}

/** Brings such agents back by a new lineage of the record's own datafile. Never throws: the next beat asks again. */
export async function bringAgentsBack(
  deps: Deps,
  change: { readonly changeId: ChangeId; readonly receivedAtMs: number },
  { manifests, reports, agentsMin = QUARANTINE_DEFAULT.agentsMin }: Answers,
): Promise<void> {
  for (const manifest of manifests) {
    const { sdkKey } = manifest;
    const held = reports.flatMap(({ keys }) => keys.get(sdkKey) ?? []);
    for (const ahead of [
      inThisLineage(manifest, held, agentsMin),
      deps.signer === undefined ? null : inLaterLineage(manifest, held, agentsMin, deps.clock.nowMs()),
    ])
      if (ahead !== null) await bringBack(deps, change, manifest, ahead);
  }
}

async function bringBack(
  deps: Deps,
  change: { readonly changeId: ChangeId; readonly receivedAtMs: number },
  manifest: Manifest,
  { found, fields: more, doubt, ...leaving }: Ahead,
): Promise<void> {
  const { record, log, signer, clock } = deps;
  const { sdkKey, lineage, seq } = manifest;
  const fields = { found, sdkKey, lineage, seq, ...more };
  if (doubt !== null || wasJustRenewed(manifest, clock.nowMs())) {
    log[doubt ?? 'warn']('reconcile.key', { result: 'not-believed', ...fields });
    return;
  }
  try {
    // A webhook may have moved it since: agents were faster than we then.
    const stored = await record.readManifest(sdkKey);
    if (stored === null || !leaving.isBehind(stored.manifest)) return;
    log.error('reconcile.key', fields);
    // A signed lineage is not left for it, only logged: an agent's report is no reason to move a record that no stranger can have
    // written.
    if (found === 'agents-ahead' && signer !== undefined) return;
    const left = await leaveLineage(deps, stored, { ...change, ...leaving });
    if (left.kind === 'moved') await announceOnBothPaths(deps, left.manifest);
  } catch (error) {
    log.error('reconcile.key', { ...fields, ...errorFields(error) });
  }
}

function inThisLineage(manifest: Manifest, held: readonly KeyReport[], agentsMin: number): Ahead | null {
  const ahead: readonly Version[] = held.filter((it) => isBehind(manifest, it)).sort(newestFirst);
  const [highest] = ahead;
  if (highest === undefined) return null;
  // The lowest seq that suffices: a record behind it is behind enough agents.
  const enough = ahead[agentsMin - 1];
  return {
    found: 'agents-ahead',
    fields: { agents: ahead.length, aheadSeq: (enough ?? highest).seq },
    doubt: enough === undefined ? 'warn' : null,
    isBehind: (found) => enough !== undefined && isBehind(found, enough),
  };
}

/**
 * Where versions are signed, agents take no lineage that began before theirs. After a loss of both record and bus, a lineage
 * that a publisher with a fast clock had begun is in their way: every new one looks older.
 */
function inLaterLineage(
  manifest: Manifest,
  held: readonly KeyReport[],
  agentsMin: number,
  nowMs: number,
): Ahead | null {
  const counts = new Map<Lineage, number>();
  for (const { lineage } of held)
    if (isLaterLineage(lineage, manifest.lineage)) counts.set(lineage, (counts.get(lineage) ?? 0) + 1);
  const enough = [...counts].filter(([, count]) => count >= agentsMin).map(([lineage]) => lineage);
  if (enough.length === 0) return null;
  const latest = enough.reduce((a, b) => (isLaterLineage(b, a) ? b : a));
  return {
    found: 'agents-in-later-lineage',
    fields: { agentsLineage: latest },
    doubt: (bornAtMs(latest) ?? 0) - nowMs > LINEAGE_AHEAD_MAX_MS ? 'error' : null,
    isBehind: (found) => isLaterLineage(latest, found.lineage),
    after: latest,
  };
}

const wasJustRenewed = ({ cause, publishedAtMs }: Manifest, nowMs: number): boolean =>
  cause === 'restore' && Math.abs(nowMs - publishedAtMs) < RENEWAL_INTERVAL_MIN_MS;
