// What SNS and its subscribers do on Lambda, in one process: a published change is announced again with patience, and a
// refetch is written down before anybody is told that it is queued. What a dying process forgets, reconcile finds.

import type { Timer } from '../../core/clock.ts';
import { errorFields } from '../../core/errors.ts';
import type { SdkKey } from '../../core/ids.ts';
import type { Manifest } from '../../core/manifest.ts';
import { encodeNotice, type Notice, type RefetchNotice } from '../../core/notice.ts';
import type { ProjectTable } from '../../core/projects.ts';
import { createBridge } from '../../functions/bridge/announce-records.ts';
import type { Kept } from '../../functions/kept-secret.ts';
import type { Deps, Topic } from '../../functions/ports.ts';
import { refetch } from '../../functions/reconcile/refetch.ts';
import { withFields } from '../../functions/telemetry.ts';
import type { RefetchIntents } from './refetch-intents.ts';

/** When a published change is announced again; each finds nothing to do where the direct path was first. */
const ANNOUNCE_DELAYS_MS = [1_000, 5_000, 15_000] as const;
/** What Optimizely has not served within a day will not come any more. */
const REFETCH_AGE_MAX_MS = 24 * 60 * 60 * 1000;

export interface Notices {
  readonly topic: Topic;
  /** Looks after what is owed for a key, by whichever replica it was queued. Never throws. */
  settle(sdkKey: SdkKey): Promise<void>;
  /** Refetches that are owed, as far as this process knows. */
  readonly openCount: () => number;
  /** Forgets announcements that wait; resolves when what is under way has ended. */
  stop(): Promise<void>;
}

export function createNotices(
  deps: Omit<Deps, 'topic'>,
  projects: Pick<Kept<ProjectTable>, 'get'>,
  intents: RefetchIntents,
): Notices {
  const timers = new Map<SdkKey, Timer>();
  const underWay = new Set<Promise<void>>();
  const open = new Map<SdkKey, RefetchNotice>();
  const settling = new Map<SdkKey, Promise<void>>();
  /** The last change of a key that is over and done with, although its manifest may never say so (a pin). */
  const over = new Map<SdkKey, string>();
  const bridge = createBridge(deps);
  let isStopped = false;

  const begin = (work: Promise<void>): Promise<void> => {
    underWay.add(work);
    return work.finally(() => underWay.delete(work));
  };

  const announceLater = (notice: Notice, attempt: number): void => {
    const delayMs = ANNOUNCE_DELAYS_MS[attempt];
    if (delayMs === undefined || isStopped) return;
    // The bridge announces the manifest's head, so that one waiting notice per key is enough.
    timers.get(notice.sdkKey)?.cancel();
    const run = async () => {
      timers.delete(notice.sdkKey);
      await bridge([encodeNotice(notice)]).catch((error) => {
        const { sdkKey, changeId } = notice;
        deps.log.warn('change.announce-failed', {
          ...{ path: 'bus', attempt: attempt + 1, sdkKey, changeId },
          ...errorFields(error),
        });
        // The last one is left to reconcile.
        announceLater(notice, attempt + 1);
      });
    };
    timers.set(
      notice.sdkKey,
      deps.clock.after(delayMs, () => void begin(run())),
    );
  };

  const topic: Topic = {
    publish: async (notice) => {
      if (notice.kind === 'published') return announceLater(notice, 0);
      await intents.write(notice);
      open.set(notice.sdkKey, notice);
      void settle(notice.sdkKey);
    },
  };

  const tryToSettle = async (sdkKey: SdkKey): Promise<void> => {
    const log = withFields(deps.log, { sdkKey });
    try {
      const intent = await intents.read(sdkKey);
      const manifest = intent === null ? null : ((await deps.record.readManifest(sdkKey))?.manifest ?? null);
      const isOver = intent === null || over.get(sdkKey) === intent.changeId || isReached(manifest, intent);
      if (isOver || intent === null) {
        open.delete(sdkKey);
        return;
      }
      const { changeId, revision, receivedAtMs } = intent;
      if (deps.clock.nowMs() - receivedAtMs > REFETCH_AGE_MAX_MS) {
        over.set(sdkKey, changeId);
        open.delete(sdkKey);
        log.error('reconcile.key', { result: 'refetch-given-up', changeId, revision });
        return;
      }
      open.set(sdkKey, intent);
      await refetch({ ...deps, topic }, await projects.get(), [encodeNotice(intent)]);
      over.set(sdkKey, changeId);
      open.delete(sdkKey);
    } catch (error) {
      log.error('reconcile.key', { result: 'refetch-open', ...errorFields(error) });
    }
  };

  const settle = (sdkKey: SdkKey): Promise<void> => {
    if (isStopped) return Promise.resolve();
    const running = settling.get(sdkKey);
    if (running !== undefined) return running;
    const work = begin(tryToSettle(sdkKey)).finally(() => settling.delete(sdkKey));
    settling.set(sdkKey, work);
    return work;
  };

  const stop = async () => {
    isStopped = true;
    for (const timer of timers.values()) timer.cancel();
    timers.clear();
    await Promise.allSettled([...underWay]);
  };

  return { topic, settle, openCount: () => open.size, stop };
}

/** A rollback leaves the reached revision in the history. */
const isReached = (manifest: Manifest | null, { revision }: RefetchNotice): boolean =>
  manifest !== null &&
  (manifest.revision >= revision || manifest.history.some((entry) => entry.revision >= revision));
