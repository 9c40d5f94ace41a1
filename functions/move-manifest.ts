// Moves the manifest by compare-and-swap: decide, swap, and on a conflict read and decide again. The decision itself is
// core's; this is the loop round it, and the linearisation point of every change.

import type { Datafile } from '../core/datafile.ts';
import { FanoutError } from '../core/errors.ts';
import type { Lineage } from '../core/ids.ts';
import { METRIC } from '../core/log.ts';
import { type Arrival, advance, createManifest, type Manifest } from '../core/manifest.ts';
import type { Deps, StoredManifest } from './ports.ts';
import { pause } from './wait.ts';

/** Each round has a winner: twenty writers at once need at most twenty rounds, and this leaves room. */
export const MANIFEST_ATTEMPTS_MAX = 40;
const PAUSE_FIRST_MS = 10;
const PAUSE_MAX_MS = 100;

export type Moved =
  | { readonly kind: 'moved'; readonly manifest: Manifest }
  | { readonly kind: 'same' | 'older' | 'pinned'; readonly manifest: Manifest };

type Decision = { readonly kind: 'swap'; readonly manifest: Manifest } | Exclude<Moved, { kind: 'moved' }>;

/**
 * Lets a datafile, whose body is already stored, move its manifest where the ordering rule allows it.
 * @param current the manifest as just read, null when there is none
 * @throws FanoutError MANIFEST_CONTENDED, RECORD_UNAVAILABLE, MANIFEST_INVALID
 */
export function moveManifest(
  deps: Deps,
  current: StoredManifest | null,
  datafile: Datafile,
  arrival: Arrival,
): Promise<Moved> {
  return swapUntilSettled(deps, datafile.sdkKey, current, (found) => {
    if (found === null) {
      return { kind: 'swap', manifest: createManifest(datafile, arrival, deps.newId() as Lineage) };
    }
    const move = advance(found, datafile, arrival);
    return 'manifest' in move
      ? { kind: 'swap', manifest: move.manifest }
      : { kind: move.kind, manifest: found };
  });
}

/** The loop: `decide` is asked again with the manifest that was found after each conflict. */
export async function swapUntilSettled(
  deps: Deps,
  sdkKey: Manifest['sdkKey'],
  current: StoredManifest | null,
  decide: (found: Manifest | null) => Decision,
): Promise<Moved> {
  const { record, metrics, log } = deps;
  let found = current;
  for (let attempt = 0; attempt < MANIFEST_ATTEMPTS_MAX; attempt++) {
    const decision = decide(found?.manifest ?? null);
    if (decision.kind !== 'swap') return decision;
    const swapped = await record.swapManifest(decision.manifest, found?.etag ?? null);
    if (swapped !== 'conflict') return { kind: 'moved', manifest: decision.manifest };
    metrics.count(METRIC.manifestConflict);
    const { seq, revision } = decision.manifest;
    log.info('manifest.conflict', { attempt: attempt + 1, seq, revision });
    await pause(deps, attempt, PAUSE_FIRST_MS, PAUSE_MAX_MS);
    found = await record.readManifest(sdkKey);
    // The client repeats a swap whose answer was lost, and then meets its own write.
    if (found !== null && isSameWrite(found.manifest, decision.manifest))
      return { kind: 'moved', manifest: found.manifest };
  }
  throw new FanoutError({
    code: 'MANIFEST_CONTENDED',
    message: `The manifest of ${sdkKey} was moved by others ${MANIFEST_ATTEMPTS_MAX} times in a row`,
    remedy:
      'Nothing to do: the change is queued and tried again. If it repeats, look for a second deployment on this bucket.',
    retryable: true,
    fields: { sdkKey },
  });
}

const isSameWrite = (found: Manifest, attempted: Manifest): boolean =>
  found.lineage === attempted.lineage &&
  found.seq === attempted.seq &&
  found.sha256 === attempted.sha256 &&
  found.changeId === attempted.changeId &&
  found.publishedAtMs === attempted.publishedAtMs;
