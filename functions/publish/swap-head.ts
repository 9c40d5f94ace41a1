// Announcing is a compare-and-swap on the subject's head: the head never goes back, and whoever comes second (bridge,
// fast path or reconcile) finds the work done. Plain subscribers see rejected messages too, so look before publishing.

import { encodeEnvelope } from '../../core/bus/envelope.ts';
import { FanoutError } from '../../core/errors.ts';
import { isLaterLineage } from '../../core/record/lineage.ts';
import { isQuarantined, type Manifest } from '../../core/record/manifest.ts';
import type { BusHead, Deps } from '../ports.ts';
import { pause } from '../wait.ts';

/** Every lost race means that another head was published; a handful of writers exist per key. */
const ANNOUNCE_ATTEMPTS_MAX = 8;
const PAUSE_FIRST_MS = 5;
const PAUSE_MAX_MS = 100;

export type HeadVerdict =
  | 'announce' // the head is behind, of another lineage, or not ours
  | 'already' // it is this very datafile
  | 'superseded' // it is a later one of the same lineage, another of the same seq, or signed and of a later lineage
  | 'quarantined'; // it is none of these, and agents refuse what would be announced

/** The one place that every announcer asks. */
export function judgeHead(manifest: Manifest, found: BusHead | null): HeadVerdict {
  const verdict = compareHead(manifest, found);
  return verdict === 'announce' && isQuarantined(manifest) ? 'quarantined' : verdict;
}

function compareHead(manifest: Manifest, found: BusHead | null): Exclude<HeadVerdict, 'quarantined'> {
  const head = found?.head;
  if (!head) return 'announce';
  if (head.lineage !== manifest.lineage) {
    // Signed by us after the manifest's lineage began: an old manifest was put back.
    return found.isSigned && isLaterLineage(head.lineage, manifest.lineage) ? 'superseded' : 'announce';
  }
  if (head.seq > manifest.seq) return 'superseded';
  if (head.seq < manifest.seq) return 'announce';
  if (head.sha256 === manifest.sha256) return 'already';
  // Two datafiles with one seq: an old manifest was put back, and moved on from. Whoever holds the one takes the other for
  // the same, so that only a new lineage helps.
  return 'superseded';
}

export interface AnnounceOptions {
  /** A head read a moment ago, which saves reading it again; undefined when unknown. */
  readonly knownHead?: BusHead | null | undefined;
  /** Once aborted, nothing more is sent. */
  readonly signal?: AbortSignal;
}

/**
 * Makes the manifest just read (or just swapped in) the head of its subject.
 * @param loadCompressed the body as compressBody() makes it; called only when there is something to publish
 * @throws FanoutError ANNOUNCE_FAILED after too many lost races or when called off, BUS_UNAVAILABLE, STREAM_MISSING
 */
export async function announce(
  { bus, clock, random }: Pick<Deps, 'bus' | 'clock' | 'random'>,
  manifest: Manifest,
  loadCompressed: () => Promise<Uint8Array>,
  { knownHead, signal }: AnnounceOptions = {},
): Promise<'published' | Exclude<HeadVerdict, 'announce'>> {
  const { sdkKey } = manifest;
  const isCalledOff = () => signal?.aborted === true;
  let head = knownHead;
  for (let attempt = 0; attempt < ANNOUNCE_ATTEMPTS_MAX && !isCalledOff(); attempt++) {
    head = head === undefined ? await bus.readHead(sdkKey) : head;
    const verdict = judgeHead(manifest, head);
    if (verdict !== 'announce') return verdict;
    const envelope = encodeEnvelope(manifest, await loadCompressed(), await bus.payloadBytesMax());
    if (isCalledOff()) break;
    if ((await bus.publish(sdkKey, envelope, head?.streamSequence ?? 0)) === 'published') return 'published';
    await pause({ clock, random }, attempt, PAUSE_FIRST_MS, PAUSE_MAX_MS);
    head = undefined;
  }
  throw new FanoutError({
    code: 'ANNOUNCE_FAILED',
    message: `Seq ${manifest.seq} of ${sdkKey} could not be announced: the head kept moving, or time was up`,
    remedy:
      'Nothing to do: the bridge or the next reconcile run announces it. If it repeats, look for a foreign publisher.',
    retryable: true,
    fields: { sdkKey, seq: manifest.seq },
  });
}
