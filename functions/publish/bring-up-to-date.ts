// Brings the record to at least an announced revision: what a webhook wants at once, and a queued refetch with more
// patience. Knows neither HTTP nor SNS.

import type { Datafile } from '../../core/datafile/datafile.ts';
import { FanoutError } from '../../core/errors.ts';
import type { SdkKey } from '../../core/ids.ts';
import { METRIC } from '../../core/log.ts';
import type { Manifest } from '../../core/record/manifest.ts';
import type { Deps } from '../ports.ts';
import { announceFound, readHeadEarly } from './announce-on-both-paths.ts';
import { fetchDatafile } from './fetch-datafile.ts';
import { archive, type Change, publishDatafile } from './publish-datafile.ts';

export type Outcome =
  | { readonly kind: 'moved' | 'found'; readonly manifest: Manifest }
  /** Optimizely did not serve the announced revision within the budget. */
  | { readonly kind: 'stale'; readonly error: FanoutError }
  /** It serves a datafile that can never be taken. */
  | { readonly kind: 'refused'; readonly error: FanoutError };

/** Where the record already has what was announced, one good answer is all that is asked of Optimizely. */
const RECHECK_BUDGET_MS = 1_500;

/** @throws FanoutError RECORD_UNAVAILABLE, MANIFEST_CONTENDED, MANIFEST_INVALID; nothing new is stored then */
export async function bringUpToDate(
  deps: Deps,
  change: Change,
  announcedRevision: number,
  budgetMs: number,
): Promise<Outcome> {
  const { sdkKey } = change.source;
  const earlyHead = readHeadEarly(deps, sdkKey);
  const fetchFor = (known: Manifest | null, atLeastRevision: number, withinMs: number) =>
    fetchDatafile(deps, { ...wantedOf(deps, change, known), atLeastRevision, budgetMs: withinMs });

  // What this process saw last may be out of date, but then only the fetch's condition is a worse one.
  const guess = deps.lastSeen.get(sdkKey);
  const isFetchSure = guess !== undefined && guess.revision < announcedRevision;
  const [current, early] = await Promise.all([
    deps.record.readManifest(sdkKey),
    isFetchSure ? fetchFor(guess, announcedRevision, budgetMs) : null,
  ]);
  const known = current?.manifest ?? null;
  const isThere = known !== null && known.revision >= announcedRevision;
  const found = async (manifest: Manifest): Promise<Outcome> => {
    deps.lastSeen.set(sdkKey, manifest);
    await announceFound(deps, change.changeId, manifest, earlyHead);
    return { kind: 'found', manifest };
  };
  if (early === null && known !== null && known.revision > announcedRevision) return found(known);

  // An equal revision is asked for too: Optimizely regenerates datafiles without a new one, and a 304 costs little.
  const fetched =
    early ??
    (await (isThere ? fetchFor(known, 0, RECHECK_BUDGET_MS) : fetchFor(known, announcedRevision, budgetMs)));
  if (fetched.kind === 'fresh') {
    // What the record already had was not waited for.
    if (!isThere) deps.metrics.timeMs(METRIC.cdnLagMs, deps.clock.nowMs() - change.receivedAtMs);
    const { datafile, validators } = fetched;
    const moved = await publishDatafile(deps, change, current, datafile, validators, earlyHead);
    deps.lastSeen.set(sdkKey, moved.manifest);
    return { kind: moved.kind === 'moved' ? 'moved' : 'found', manifest: moved.manifest };
  }
  if (isThere) return found(known);
  if (fetched.kind === 'refused') return fetched;
  deps.metrics.count(METRIC.cdnStale);
  return { kind: 'stale', error: fetched.kind === 'stale' ? fetched.error : notThere(sdkKey) };
}

const wantedOf = (deps: Deps, { source, projectId }: Change, known: Manifest | null) => ({
  source,
  projectId,
  known,
  onStale: async (datafile: Datafile) => {
    if (datafile.sha256 !== known?.sha256) await archive(deps, datafile);
  },
});

const notThere = (sdkKey: SdkKey) =>
  new FanoutError({
    code: 'CDN_STALE',
    message: `Optimizely serves what the record of ${sdkKey} had, which the record no longer has`,
    remedy: 'Nothing to do: a refetch is queued. If it repeats, look who removes manifests from the bucket.',
    retryable: true,
    fields: { sdkKey },
  });
