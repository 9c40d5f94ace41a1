// Makes a manifest the head of its subject and creates the stream where there is none: the patient way, for the bridge
// and reconcile, which fail loudly so that Lambda tries again. The record is only read.

import { isFanoutError } from '../../core/errors.ts';
import type { Manifest } from '../../core/record/manifest.ts';
import type { ReaderDeps } from '../ports.ts';
import { bodyInRecord, noteAnnounced, type SwappedHead, swapHead } from './swap-head.ts';

/** @throws FanoutError ANNOUNCE_FAILED, BUS_UNAVAILABLE, STREAM_MISSING, RECORD_UNAVAILABLE, BODY_MISSING, BODY_CORRUPT */
export async function announcePatiently(deps: ReaderDeps, manifest: Manifest): Promise<SwappedHead> {
  const tryOnce = () => swapHead(deps, manifest, bodyInRecord(deps, manifest));
  const result = await tryOnce().catch(async (error: unknown) => {
    if (!isFanoutError(error, 'STREAM_MISSING')) throw error;
    await ensureStream(deps);
    return tryOnce();
  });
  if (result === 'published') noteAnnounced(deps, manifest, { changeId: manifest.changeId });
  return result;
}

/** @throws FanoutError BUS_UNAVAILABLE */
export async function ensureStream({ bus, log }: Pick<ReaderDeps, 'bus' | 'log'>): Promise<void> {
  const outcome = await bus.ensureStream();
  if (outcome !== 'as-wanted') log.warn('stream.ensured', { outcome });
}
