// Brings the record to at least an announced revision: at once for a webhook, with more patience for a queued refetch. Knows
// neither HTTP nor SNS.

import { FanoutError } from '../../core/errors.ts';
import type { SdkKey } from '../../core/ids.ts';
import { METRIC } from '../../core/log.ts';
import type { Manifest } from '../../core/record/manifest.ts';
import { isLaterRevision, reachesRevision } from '../../core/version.ts';
import type { Deps } from '../ports.ts';
import { readHeadEarly } from './announce-fast.ts';
import { announceFound } from './announce-on-both-paths.ts';
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
const ANY_WITHIN_RECHECK: Announced = { revision: 0, budgetMs: RECHECK_BUDGET_MS };

/** What a webhook announced. */
export interface Announced {
  readonly revision: number;
  /** How long Optimizely is asked for it. */
  readonly budgetMs: number;
}

/** @throws FanoutError RECORD_UNAVAILABLE, MANIFEST_CONTENDED, MANIFEST_INVALID; nothing new is stored then */
export async function bringUpToDate(deps: Deps, change: Change, announced: Announced): Promise<Outcome> {
  const { sdkKey } = change.source;
  const earlyHead = readHeadEarly(deps, sdkKey);
  // What this process saw last may be out of date, but then only the fetch's condition is a worse one.
  const guess = deps.record.lastSeen?.(sdkKey) ?? null;
  const isFetchSure = guess !== null && !reachesRevision(guess, announced.revision);
  const [current, early] = await Promise.all([
    deps.record.readManifest(sdkKey),
    isFetchSure ? fetchFor(deps, change, guess, announced) : null,
  ]);
  const known = current?.manifest ?? null;
  const isThere = reachesRevision(known, announced.revision);
  const found = async (manifest: Manifest): Promise<Outcome> => {
    await announceFound(deps, { changeId: change.changeId, manifest }, earlyHead);
    return { kind: 'found', manifest };
  };
  if (early === null && known !== null && isLaterRevision(known, announced)) return found(known);

  // An equal revision is asked for too: Optimizely regenerates datafiles without a new one, and a 304 costs little.
  const fetched = early ?? (await fetchFor(deps, change, known, isThere ? ANY_WITHIN_RECHECK : announced));
  if (fetched.kind === 'fresh') {
    // What the record already had was not waited for.
    if (!isThere) deps.metrics.timeMs(METRIC.cdnLagMs, deps.clock.nowMs() - change.receivedAtMs);
    const { datafile, validators } = fetched;
    const moved = await publishDatafile(deps, change, { current, datafile, validators, earlyHead });
    return { kind: moved.kind === 'moved' ? 'moved' : 'found', manifest: moved.manifest };
  }
  if (known !== null && isThere) return found(known);
  if (fetched.kind === 'refused') return fetched;
  deps.metrics.count(METRIC.cdnStale);
  return { kind: 'stale', error: fetched.kind === 'stale' ? fetched.error : notThere(sdkKey) };
}

const fetchFor = (
  deps: Deps,
  { source, projectId }: Change,
  known: Manifest | null,
  { revision, budgetMs }: Announced,
) =>
  fetchDatafile(deps, {
    source,
    projectId,
    known,
    atLeastRevision: revision,
    budgetMs,
    onStale: async (datafile) => {
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
