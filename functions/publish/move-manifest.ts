// Moves the manifest by compare-and-swap: decide, swap, and on a conflict read and decide again. The decision itself is
// core's; here is the loop around it, and the linearisation point of every change.

import type { Datafile } from '../../core/datafile/datafile.ts';
import { FanoutError } from '../../core/errors.ts';
import type { Lineage } from '../../core/ids.ts';
import { METRIC } from '../../core/log.ts';
import { newLineage } from '../../core/record/lineage.ts';
import { type Arrival, advance, createManifest, type Manifest } from '../../core/record/manifest.ts';
import { encodeManifest } from '../../core/record/manifest-codec.ts';
import { isSame, isSameSeq } from '../../core/version.ts';
import type { Deps, StoredManifest } from '../ports.ts';
import { pause } from '../wait.ts';

/** Each round has a winner: twenty writers at once need at most twenty rounds, and this leaves room. */
export const MANIFEST_ATTEMPTS_MAX = 40;
const PAUSE_FIRST_MS = 10;
const PAUSE_MAX_MS = 100;

/** `manifest` is the record's current one. */
export type Moved =
  /** `written`: the manifest of this writer; others may have moved it on before the writer knew. */
  | { readonly kind: 'moved'; readonly manifest: Manifest; readonly written: Manifest }
  | { readonly kind: 'same' | 'older' | 'pinned'; readonly manifest: Manifest };

type Decision = { readonly kind: 'swap'; readonly manifest: Manifest } | Exclude<Moved, { kind: 'moved' }>;

/**
 * Lets a datafile, whose body is already stored, move its manifest where the ordering rule allows it.
 * @param current the manifest as just read, null when there is none
 * @throws FanoutError MANIFEST_CONTENDED, RECORD_UNAVAILABLE, MANIFEST_INVALID
 */
export async function moveManifest(
  deps: Deps,
  current: StoredManifest | null,
  datafile: Datafile,
  arrival: Arrival,
): Promise<Moved> {
  const before = current === null ? await lineageOnBus(deps, datafile.sdkKey) : null;
  return swapUntilSettled(deps, datafile.sdkKey, current, (found) => {
    if (found === null) {
      const lineage = newLineage(deps.clock.nowMs(), deps.newId(), before);
      return { kind: 'swap', manifest: createManifest(datafile, arrival, lineage) };
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
  const { record, metrics, log, signer } = deps;
  let found = current;
  for (let attempt = 0; attempt < MANIFEST_ATTEMPTS_MAX; attempt++) {
    const before = found?.manifest ?? null;
    const decision = decide(before);
    if (decision.kind !== 'swap') return decision;
    // The one place where anything is signed; messages and caches carry copies.
    const manifest = (await signer?.sign(decision.manifest)) ?? decision.manifest;
    const swapped = await record.swapManifest(manifest, found?.etag ?? null);
    if (swapped !== 'conflict') return { kind: 'moved', manifest, written: manifest };
    metrics.count(METRIC.manifestConflict);
    const { seq, revision } = manifest;
    log.info('manifest.conflict', { attempt: attempt + 1, seq, revision });
    await pause(deps, attempt, PAUSE_FIRST_MS, PAUSE_MAX_MS);
    found = await record.readManifest(sdkKey);
    // The client repeats a swap whose answer was lost, and then meets its own write, or what others have made of it.
    if (found !== null && isOwnWrite(found.manifest, manifest, before))
      return { kind: 'moved', manifest: found.manifest, written: manifest };
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

/** The lineage that the bus still shows. Agents that check signatures take no older one, and this clock may be behind. */
async function lineageOnBus({ bus, signer }: Deps, sdkKey: Manifest['sdkKey']): Promise<Lineage | null> {
  if (signer === undefined) return null;
  // An unreachable bus shows none: then the clock has to do, which is wrong only while it is behind.
  const found = await bus.readHead(sdkKey).catch(() => null);
  return found?.head?.lineage ?? null;
}

/**
 * Whether `written` is in the record, as its head or below later moves: each seq stands in the history, with the change that it
 * came from. A pin, or a mark of quarantine, assigns no seq: it is known by all its bytes, and as the head only.
 */
function isOwnWrite(found: Manifest, written: Manifest, before: Manifest | null): boolean {
  const isInPlace = before !== null && isSame(before, written);
  if (isInPlace) return Buffer.compare(encodeManifest(found), encodeManifest(written)) === 0;
  const { changeId, sha256 } = written;
  return found.history.some(
    (it) => isSameSeq(it, written) && it.changeId === changeId && it.sha256 === sha256,
  );
}
