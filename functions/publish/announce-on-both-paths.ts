// Announces on both paths at once: straight to this region's bus, under a cap, and over SNS to every bridge. Either may
// fail: the record is already right, so a failure is logged and counted, and reconcile heals it.

import { NOTICE_SCHEMA } from '../../core/bus/notice.ts';
import { sleep, withinMs } from '../../core/clock.ts';
import { errorFields, FanoutError } from '../../core/errors.ts';
import type { ChangeId } from '../../core/ids.ts';
import { METRIC } from '../../core/log.ts';
import type { Manifest } from '../../core/record/manifest.ts';
import type { BusHead, Deps, ReaderDeps } from '../ports.ts';
import { loadCompressed } from './announce-patiently.ts';
import { leaveLineage } from './leave-lineage.ts';
import { announce, judgeHead } from './swap-head.ts';

/** All that the direct path may cost an answer, connecting included. */
export const BUS_CAP_MS = 1_000;

type Announced = Awaited<ReturnType<typeof announce>>;

/** A head being read ahead of time; undefined when that failed. */
export type EarlyHead = Promise<BusHead | null | undefined>;

/** Starts reading the head beside other work. It also finds a connection that died while the function was frozen. */
export function readHeadEarly({ bus }: Pick<Deps, 'bus'>, sdkKey: Manifest['sdkKey']): EarlyHead {
  // Not swallowed: whoever needs the head asks again and meets the same failure.
  return bus.readHead(sdkKey).catch(() => undefined);
}

/** A new manifest, on both paths. Never throws; returns on which paths it went out. */
export async function announceChange(
  deps: Deps,
  manifest: Manifest,
  compressed: () => Promise<Uint8Array>,
  earlyHead?: EarlyHead,
): Promise<{ readonly onBus: boolean; readonly onTopic: boolean }> {
  const [result, onTopic] = await Promise.all([
    announceDirect(deps, manifest, compressed, earlyHead),
    // One turn later: signing an SNS request would hold up the message that agents wait for.
    sleep(deps.clock, 0).then(() => announceOnTopic(deps, manifest)),
  ]);
  if (result === 'superseded') await overtake(deps, manifest);
  const onBus = result !== 'failed';
  if (!onBus && !onTopic) {
    const message = `seq ${manifest.seq} is stored but went out on no path; reconcile announces it within a minute`;
    deps.log.error('change.announce-failed', { path: 'both', seq: manifest.seq, error: message });
  }
  return { onBus, onTopic };
}

/** For a change that was found already there: announces it only where the bus does not have it. Never throws. */
export async function ensureOnBus(
  deps: ReaderDeps,
  manifest: Manifest,
  earlyHead?: EarlyHead,
): Promise<boolean> {
  const load = () => loadCompressed(deps, manifest);
  return (await announceDirect(deps, manifest, load, earlyHead)) !== 'failed';
}

/**
 * What a change found in the record when it had nothing to store. Its own version is there when an earlier try of it ended before
 * it could tell of it: then both paths are due. Never throws.
 */
export async function announceFound(
  deps: Deps,
  changeId: ChangeId,
  manifest: Manifest,
  earlyHead?: EarlyHead,
): Promise<void> {
  if (manifest.changeId !== changeId) await ensureOnBus(deps, manifest, earlyHead);
  else await announceChange(deps, manifest, () => loadCompressed(deps, manifest), earlyHead);
}

/**
 * A version that was just assigned, and the bus has a later one: most likely another change was faster. If the record knows of
 * none, somebody else announced it, or an old manifest was put back. Never throws.
 */
async function overtake(
  deps: Deps,
  { sdkKey, changeId, receivedAtMs, lineage, seq }: Manifest,
): Promise<void> {
  // Of a signed head the record has to be fetched anew, which takes more time than a webhook has: reconcile does it.
  if (deps.signer !== undefined) return;
  try {
    const head = await deps.bus.readHead(sdkKey);
    const stored = await deps.record.readManifest(sdkKey);
    const isBehind = (found: Manifest) => judgeHead(found, head) === 'superseded';
    if (stored === null || !isBehind(stored.manifest)) return;
    const renewed = await leaveLineage(deps, { changeId, receivedAtMs }, stored, isBehind);
    if (renewed.kind !== 'moved') return;
    const { manifest } = renewed;
    deps.metrics.count(METRIC.lineageRenewed);
    const fields = { oldLineage: lineage, busSeq: head?.head?.seq ?? null, seq };
    deps.log.error('change.announce-failed', { path: 'bus', found: 'bus-ahead', ...fields });
    await announceChange(deps, manifest, () => loadCompressed(deps, manifest));
  } catch (error) {
    deps.metrics.count(METRIC.announceFailed);
    deps.log.warn('change.announce-failed', { path: 'bus', lineage, seq, ...errorFields(error) });
  }
}

async function announceDirect(
  deps: ReaderDeps,
  manifest: Manifest,
  compressed: () => Promise<Uint8Array>,
  earlyHead?: EarlyHead,
): Promise<Announced | 'failed'> {
  const { seq, revision, lineage } = manifest;
  const abort = new AbortController();
  const work = async () => {
    const knownHead = await earlyHead;
    return announce(deps, manifest, compressed, { knownHead, signal: abort.signal });
  };
  try {
    const result = await withinMs(deps.clock, BUS_CAP_MS, work(), () => {
      // What is still under way must not reach into the next invocation.
      abort.abort();
      deps.bus.reset();
      throw tooSlow(manifest);
    });
    if (result === 'published') {
      const latencyMs = deps.clock.nowMs() - manifest.receivedAtMs;
      deps.metrics.timeMs(METRIC.announceLatencyMs, latencyMs);
      deps.log.info('change.announced', { path: 'bus', lineage, seq, revision, latencyMs });
    }
    return result;
  } catch (error) {
    deps.metrics.count(METRIC.announceFailed);
    deps.log.warn('change.announce-failed', { path: 'bus', lineage, seq, revision, ...errorFields(error) });
    return 'failed';
  }
}

async function announceOnTopic(deps: Deps, manifest: Manifest): Promise<boolean> {
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

const tooSlow = ({ sdkKey, seq }: Manifest) =>
  new FanoutError({
    code: 'BUS_UNAVAILABLE',
    message: `The bus took longer than ${BUS_CAP_MS} ms for seq ${seq} of ${sdkKey}`,
    remedy: 'The bridge announces it. If it repeats, check nats-server and the way to it.',
    retryable: true,
    fields: { sdkKey, seq },
  });
