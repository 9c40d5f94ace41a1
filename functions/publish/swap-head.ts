// Announcing is a compare-and-swap on the subject's head: the head never goes back, and whichever of fast path, bridge and
// reconcile comes second finds the work done. Plain subscribers also receive messages that the stream rejects, so the head
// is read before anything is published.

import { compressBody, encodeEnvelope } from '../../core/bus/envelope.ts';
import { FanoutError } from '../../core/errors.ts';
import { METRIC } from '../../core/log.ts';
import { isQuarantined, type Manifest } from '../../core/record/manifest.ts';
import { isBehind, isLater, isSame } from '../../core/version.ts';
import type { BusHead, ReaderDeps } from '../ports.ts';
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

/** What became of a manifest that was to be the head. */
export type SwappedHead = 'published' | Exclude<HeadVerdict, 'announce'>;

/** The body as compressBody() makes it. */
export type LoadCompressed = () => Promise<Uint8Array>;

/** Whether a manifest is to become the head: every announcer asks here. */
export function judgeHead(manifest: Manifest, found: BusHead | null): HeadVerdict {
  const verdict = compareHead(manifest, found);
  return verdict === 'announce' && isQuarantined(manifest) ? 'quarantined' : verdict;
}

function compareHead(manifest: Manifest, found: BusHead | null): Exclude<HeadVerdict, 'quarantined'> {
  const head = found?.head;
  if (!head) return 'announce';
  // Two datafiles with one seq: an old manifest was put back, and moved on from. An agent that holds one of them takes the
  // other for the same, so that only a new lineage helps.
  if (isSame(head, manifest)) return head.sha256 === manifest.sha256 ? 'already' : 'superseded';
  if (isBehind(manifest, head)) return 'superseded';
  // Signed by us after the manifest's lineage began: an old manifest was put back.
  return found.isSigned && isLater(head, manifest) ? 'superseded' : 'announce';
}

export interface SwapOptions {
  /** A head read a moment ago, which saves reading it again; undefined when unknown. */
  readonly knownHead?: BusHead | null | undefined;
  /** Once aborted, nothing more is sent. */
  readonly signal?: AbortSignal;
}

/**
 * Makes the manifest just read (or just swapped in) the head of its subject.
 * @param load called only when there is something to publish
 * @throws FanoutError ANNOUNCE_FAILED after too many lost races or when called off, BUS_UNAVAILABLE, STREAM_MISSING
 */
export async function swapHead(
  { bus, clock, random }: Pick<ReaderDeps, 'bus' | 'clock' | 'random'>,
  manifest: Manifest,
  load: LoadCompressed,
  { knownHead, signal }: SwapOptions = {},
): Promise<SwappedHead> {
  const { sdkKey } = manifest;
  const isCalledOff = () => signal?.aborted === true;
  let head = knownHead;
  for (let attempt = 0; attempt < ANNOUNCE_ATTEMPTS_MAX && !isCalledOff(); attempt++) {
    head = head === undefined ? await bus.readHead(sdkKey) : head;
    const verdict = judgeHead(manifest, head);
    if (verdict !== 'announce') return verdict;
    const envelope = encodeEnvelope(manifest, await load(), await bus.payloadBytesMax());
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

/** A manifest's body out of the record, ready for the wire. */
export const bodyInRecord =
  ({ record, compress = compressBody }: ReaderDeps, { sdkKey, sha256 }: Manifest): LoadCompressed =>
  async () =>
    compress(await record.readBody(sdkKey, sha256));

/** Logs and times a manifest that has become the head. `fields` are added to the line. */
export function noteAnnounced(deps: ReaderDeps, manifest: Manifest, fields: object = {}): void {
  const { lineage, seq, revision, receivedAtMs } = manifest;
  const latencyMs = deps.clock.nowMs() - receivedAtMs;
  deps.metrics.timeMs(METRIC.announceLatencyMs, latencyMs);
  deps.log.info('change.announced', { path: 'bus', ...fields, lineage, seq, revision, latencyMs });
}
