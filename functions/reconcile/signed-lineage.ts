// What reconcile does only where versions are signed: when an old manifest was put back, it begins a lineage with Optimizely's
// datafile; and it signs again what an earlier key has signed.

import { FanoutError } from '../../core/errors.ts';
import { METRIC } from '../../core/log.ts';
import { newLineage } from '../../core/record/lineage.ts';
import { type Arrival, createManifest, type Manifest, resign } from '../../core/record/manifest.ts';
import type { BusHead, Deps, StoredManifest } from '../ports.ts';
import { announceOnBothPaths } from '../publish/announce-on-both-paths.ts';
import { type Fetched, fetchDatafile } from '../publish/fetch-datafile.ts';
import { type Moved, swapUntilSettled } from '../publish/move-manifest.ts';
import { archive } from '../publish/publish-datafile.ts';
import { judgeHead } from '../publish/swap-head.ts';
import type { KeyRun } from './key-run.ts';

const FETCH_BUDGET_MS = 4_000;

/**
 * A manifest that went back behind a signed head was signed once, but must not be built upon: its datafile may be old for a
 * reason. Nothing is moved when Optimizely cannot be asked.
 * @throws FanoutError of the record, or why Optimizely could not be asked
 */
export async function beginAnew(
  deps: Deps,
  run: KeyRun,
  stored: StoredManifest,
  ahead: BusHead,
): Promise<Moved> {
  const { source, projectId } = run;
  const fetched = await fetchDatafile(deps, {
    source,
    projectId,
    atLeastRevision: 0,
    budgetMs: FETCH_BUDGET_MS,
    known: null,
    onStale: async () => {},
  });
  if (fetched.kind !== 'fresh') throw notFetched(stored.manifest, fetched);
  const { datafile, validators } = fetched;
  await archive(deps, datafile);
  const lineage = newLineage(deps.clock.nowMs(), deps.newId(), ahead.head?.lineage);
  const moved = await swapUntilSettled(deps, source.sdkKey, stored, (found) => {
    if (found !== null && judgeHead(found, ahead) !== 'superseded') return { kind: 'same', manifest: found };
    const arrival = { ...arrivalOf(deps, run), cdn: validators };
    return { kind: 'swap', manifest: createManifest(datafile, arrival, lineage) };
  });
  if (moved.kind === 'moved') deps.metrics.count(METRIC.lineageRenewed);
  return moved;
}

/** Gives a head that another trusted key has signed a new seq, signed with the current key. */
export async function resignOld(deps: Deps, run: KeyRun): Promise<void> {
  const { signer, record, log } = deps;
  const { sdkKey } = run.source;
  const stored = signer === undefined ? null : await record.readManifest(sdkKey);
  if (stored === null || (await signer?.isCurrent(stored.manifest))) return;
  const moved = await swapUntilSettled(deps, sdkKey, stored, (found) =>
    found === null || found.signature !== stored.manifest.signature
      ? { kind: 'same', manifest: found ?? stored.manifest }
      : { kind: 'swap', manifest: resign(found, { ...arrivalOf(deps, run), cdn: found.cdn }) },
  );
  if (moved.kind !== 'moved') return;
  const { lineage, seq, revision, sha256 } = moved.manifest;
  log.info('manifest.moved', { cause: 'resign', lineage, seq, revision, sha256 });
  await announceOnBothPaths(deps, moved.manifest);
}

const arrivalOf = ({ clock }: Deps, { changeId, startedAtMs }: KeyRun): Omit<Arrival, 'cdn'> => ({
  cause: 'restore',
  changeId,
  receivedAtMs: startedAtMs,
  publishedAtMs: clock.nowMs(),
});

const notFetched = ({ sdkKey, lineage, seq }: Manifest, fetched: Fetched) =>
  new FanoutError({
    code: 'MANIFEST_INVALID',
    message: `The manifest of ${sdkKey} went back behind what was signed and announced, and Optimizely gives nothing to begin anew with`,
    remedy:
      'Agents keep what they have, and every run tries again: see why Optimizely does not answer, and who put the manifest back.',
    retryable: true,
    fields: { sdkKey, lineage, seq },
    cause: fetched.kind === 'stale' ? fetched.error : undefined,
  });
