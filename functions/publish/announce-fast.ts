// Straight to this region's bus, under a cap, so that a bus that hangs costs a webhook's answer no more than that. A failure
// is logged and counted, never thrown: the record is already right, and the bridge or reconcile announces it.

import { withinMs } from '../../core/clock.ts';
import { errorFields, FanoutError } from '../../core/errors.ts';
import { METRIC } from '../../core/log.ts';
import type { Manifest } from '../../core/record/manifest.ts';
import type { BusHead, ReaderDeps } from '../ports.ts';
import { bodyInRecord, type LoadCompressed, noteAnnounced, type SwappedHead, swapHead } from './swap-head.ts';

/** All that the direct path may cost an answer, connecting included. */
export const BUS_CAP_MS = 1_000;

/** A head being read ahead of time; undefined when that failed. */
export type EarlyHead = Promise<BusHead | null | undefined>;

/** What an announcer may have at hand already. */
export interface AtHand {
  /** Instead of reading the body from the record. */
  readonly load?: LoadCompressed;
  readonly earlyHead?: EarlyHead | undefined;
}

/** Starts reading the head beside other work. It also finds a connection that died while the function was frozen. */
export function readHeadEarly({ bus }: Pick<ReaderDeps, 'bus'>, sdkKey: Manifest['sdkKey']): EarlyHead {
  // Not swallowed: the announcer that needs the head asks again and meets the same failure.
  return bus.readHead(sdkKey).catch(() => undefined);
}

/** Never throws. */
export async function announceFast(
  deps: ReaderDeps,
  manifest: Manifest,
  { load = bodyInRecord(deps, manifest), earlyHead }: AtHand = {},
): Promise<SwappedHead | 'failed'> {
  const { seq, revision, lineage } = manifest;
  const abort = new AbortController();
  const work = async () =>
    swapHead(deps, manifest, load, { knownHead: await earlyHead, signal: abort.signal });
  try {
    const result = await withinMs(deps.clock, BUS_CAP_MS, work(), () => {
      // What is still under way must not reach into the next invocation.
      abort.abort();
      deps.bus.reset();
      throw tooSlow(manifest);
    });
    if (result === 'published') noteAnnounced(deps, manifest);
    return result;
  } catch (error) {
    deps.metrics.count(METRIC.announceFailed);
    deps.log.warn('change.announce-failed', { path: 'bus', lineage, seq, revision, ...errorFields(error) });
    return 'failed';
  }
}

const tooSlow = ({ sdkKey, seq }: Manifest) =>
  new FanoutError({
    code: 'BUS_UNAVAILABLE',
    message: `The bus took longer than ${BUS_CAP_MS} ms for seq ${seq} of ${sdkKey}`,
    remedy: 'The bridge announces it. If it repeats, check nats-server and the way to it.',
    retryable: true,
    fields: { sdkKey, seq },
  });
