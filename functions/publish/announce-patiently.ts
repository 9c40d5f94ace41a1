// Makes a manifest the head of its subject and creates the stream where there is none: the patient way, for the bridge
// and reconcile, which fail loudly so that Lambda tries again. The record is only read.

import { compressBody } from '../../core/bus/envelope.ts';
import { isFanoutError } from '../../core/errors.ts';
import { METRIC } from '../../core/log.ts';
import type { Manifest } from '../../core/record/manifest.ts';
import type { ReaderDeps } from '../ports.ts';
import { announce } from './swap-head.ts';

/** @throws FanoutError ANNOUNCE_FAILED, BUS_UNAVAILABLE, STREAM_MISSING, RECORD_UNAVAILABLE, BODY_MISSING, BODY_CORRUPT */
export async function announceHead(
  deps: ReaderDeps,
  manifest: Manifest,
): Promise<Awaited<ReturnType<typeof announce>>> {
  const tryOnce = () => announce(deps, manifest, () => loadCompressed(deps, manifest));
  const result = await tryOnce().catch(async (error: unknown) => {
    if (!isFanoutError(error, 'STREAM_MISSING')) throw error;
    await ensureStream(deps);
    return tryOnce();
  });
  if (result === 'published') {
    const { lineage, seq, revision, changeId, receivedAtMs } = manifest;
    const latencyMs = deps.clock.nowMs() - receivedAtMs;
    deps.metrics.timeMs(METRIC.announceLatencyMs, latencyMs);
    deps.log.info('change.announced', { path: 'bus', changeId, lineage, seq, revision, latencyMs });
  }
  return result;
}

/** The manifest's body out of the record, ready for the wire. */
export async function loadCompressed(
  { record, compress = compressBody }: Pick<ReaderDeps, 'record' | 'compress'>,
  { sdkKey, sha256 }: Manifest,
): Promise<Uint8Array> {
  return compress(await record.readBody(sdkKey, sha256));
}

/** @throws FanoutError BUS_UNAVAILABLE */
export async function ensureStream({ bus, log }: Pick<ReaderDeps, 'bus' | 'log'>): Promise<void> {
  const outcome = await bus.ensureStream();
  if (outcome !== 'as-wanted') log.warn('stream.ensured', { outcome });
}
