// A change goes out on both paths at once: straight to this region's bus, and over SNS to every bridge. Either may fail: the
// record is already right, and reconcile heals what neither brought.

import { NOTICE_SCHEMA } from '../../core/bus/notice.ts';
import { sleep } from '../../core/clock.ts';
import { errorFields } from '../../core/errors.ts';
import type { ChangeId } from '../../core/ids.ts';
import { METRIC } from '../../core/log.ts';
import type { Manifest } from '../../core/record/manifest.ts';
import type { Deps } from '../ports.ts';
import { type AtHand, announceFast } from './announce-fast.ts';
import { leaveLineageBehindBus } from './leave-lineage.ts';

/**
 * A manifest that was just swapped in. Where the bus turns out to be ahead of the record, the record gets a new lineage,
 * which is announced in its place. Never throws; returns on which paths the change itself went out.
 */
export async function announceOnBothPaths(
  deps: Deps,
  manifest: Manifest,
  atHand: AtHand = {},
): Promise<{ readonly onBus: boolean; readonly onTopic: boolean }> {
  const { onBus, onTopic } = await sendOnBothPaths(deps, manifest, atHand);
  const renewed = onBus === 'superseded' ? await leaveLineageBehindBus(deps, manifest) : null;
  // A bus that is ahead of the new lineage too is left to reconcile.
  if (renewed !== null) await sendOnBothPaths(deps, renewed, {});
  return { onBus: onBus !== 'failed', onTopic };
}

/**
 * What a change found in the record when it had nothing to store. Its own version is there when an earlier try of it ended before
 * it could tell of it: then both paths are due. Never throws.
 */
export async function announceFound(
  deps: Deps,
  { changeId, manifest }: { readonly changeId: ChangeId; readonly manifest: Manifest },
  earlyHead: AtHand['earlyHead'],
): Promise<void> {
  if (manifest.changeId === changeId) await announceOnBothPaths(deps, manifest, { earlyHead });
  else await announceFast(deps, manifest, { earlyHead });
}

async function sendOnBothPaths(deps: Deps, manifest: Manifest, atHand: AtHand) {
  const [onBus, onTopic] = await Promise.all([
    announceFast(deps, manifest, atHand),
    // One turn later: signing an SNS request would hold up the message that agents wait for.
    sleep(deps.clock, 0).then(() => sendNotice(deps, manifest)),
  ]);
  if (onBus === 'failed' && !onTopic) {
    const message = `seq ${manifest.seq} is stored but went out on no path; reconcile announces it within a minute`;
    deps.log.error('change.announce-failed', { path: 'both', seq: manifest.seq, error: message });
  }
  return { onBus, onTopic };
}

async function sendNotice(deps: Deps, manifest: Manifest): Promise<boolean> {
  const { sdkKey, seq, revision, changeId } = manifest;
  try {
    await deps.topic.publish({ schema: NOTICE_SCHEMA, kind: 'published', sdkKey, seq, revision, changeId });
    return true;
  } catch (error) {
    deps.metrics.count(METRIC.announceFailed);
    deps.log.warn('change.announce-failed', { path: 'topic', seq, revision, ...errorFields(error) });
    return false;
  }
}
