// Publishes a datafile that Optimizely serves and the record does not have: its webhook never came. Counts it as missed only
// when no webhook can still be on its way.

import { sleep } from '../../core/clock.ts';
import { METRIC } from '../../core/log.ts';
import { advance, type Manifest } from '../../core/record/manifest.ts';
import { isLaterRevision, type Revised, reachesRevision } from '../../core/version.ts';
import type { Deps, StoredManifest } from '../ports.ts';
import { type Fetched, fetchDatafile } from '../publish/fetch-datafile.ts';
import { publishDatafile } from '../publish/publish-datafile.ts';
import type { KeyRun } from './key-run.ts';

const FETCH_BUDGET_MS = 4_000;
/** From Last-Modified to the webhook's own publication it takes about a second; until then it is not missed. */
export const MISSED_GRACE_MS = 5_000;

/**
 * A CDN lags its webhook by minutes. An older revision there after this long is no lag: the record holds a revision that
 * Optimizely does not have, and no webhook moves it until an operator takes it back.
 */
export const RECORD_AHEAD_AFTER_MS = 30 * 60_000;

/** @throws FanoutError of the record, or why Optimizely could not be asked */
export async function followCdn(deps: Deps, run: KeyRun): Promise<void> {
  const { source, projectId } = run;
  const current = await deps.record.readManifest(source.sdkKey);
  const fetched = await fetchDatafile(deps, {
    source,
    projectId,
    atLeastRevision: 0,
    known: current?.manifest ?? null,
    budgetMs: FETCH_BUDGET_MS,
    onStale: async () => {},
  });
  if (fetched.kind === 'stale' || fetched.kind === 'refused') throw fetched.error;
  if (fetched.kind === 'unchanged') return;
  if (current !== null && current.manifest.sha256 === fetched.datafile.sha256) return;
  if (current !== null) tellWhenAhead(deps, current.manifest, fetched.datafile);
  await publish(deps, run, await afterGrace(deps, run, current, fetched), fetched);
}

function tellWhenAhead({ clock, log, metrics }: Deps, manifest: Manifest, served: Revised): void {
  const { revision, seq, publishedAtMs, pin } = manifest;
  const isLag = clock.nowMs() - publishedAtMs < RECORD_AHEAD_AFTER_MS;
  if (reachesRevision(served, revision) || pin !== null || isLag) return;
  metrics.count(METRIC.recordAhead);
  log.error('reconcile.key', { found: 'record-ahead', revision, seq, servedRevision: served.revision });
}

type Fresh = Extract<Fetched, { kind: 'fresh' }>;

async function publish(
  deps: Deps,
  run: KeyRun,
  current: StoredManifest | null,
  fetched: Fresh,
): Promise<void> {
  const { source, projectId, changeId, startedAtMs } = run;
  const cause = current === null ? 'import' : 'reconcile';
  const change = { source, projectId, changeId, receivedAtMs: startedAtMs, cause } as const;
  const { datafile, validators } = fetched;
  const moved = await publishDatafile(deps, change, { current, datafile, validators });
  // A datafile regenerated without a new revision comes without a webhook.
  const isMissed = moved.kind === 'moved' && current !== null && isLaterRevision(datafile, current.manifest);
  if (!isMissed) return;
  deps.metrics.count(METRIC.missedWebhook);
  deps.log.warn('reconcile.key', {
    found: 'missed-webhook',
    revision: datafile.revision,
    seq: moved.manifest.seq,
  });
}

/** Gives a webhook that is on its way the time to publish first; returns the manifest as it is then. */
async function afterGrace(
  deps: Deps,
  run: KeyRun,
  current: StoredManifest | null,
  { datafile, validators }: Fresh,
): Promise<StoredManifest | null> {
  if (current === null || validators.lastModifiedMs === null) return current;
  const { changeId, startedAtMs } = run;
  const nowMs = deps.clock.nowMs();
  const arrival = {
    cause: 'reconcile',
    changeId,
    receivedAtMs: startedAtMs,
    publishedAtMs: nowMs,
    cdn: validators,
  } as const;
  if (!('manifest' in advance(current.manifest, datafile, arrival))) return current;
  // Clocks differ: a Last-Modified in our future waits no longer than one that is now.
  const waitMs = MISSED_GRACE_MS - Math.max(0, nowMs - validators.lastModifiedMs);
  if (waitMs <= 0) return current;
  await sleep(deps.clock, waitMs);
  return deps.record.readManifest(run.source.sdkKey);
}
