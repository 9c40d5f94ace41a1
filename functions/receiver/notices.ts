// What SNS and its subscribers do on Lambda, in one process: a published change is announced again with patience, and a
// refetch is written down before Optimizely is told that it is queued. Reconcile finds what a dying process forgets.

import { encodeNotice, type Notice, type RefetchNotice } from '../../core/bus/notice.ts';
import type { Timer } from '../../core/clock.ts';
import { errorFields } from '../../core/errors.ts';
import type { ChangeId, SdkKey } from '../../core/ids.ts';
import type { ProjectTable } from '../../core/projects.ts';
import type { Manifest } from '../../core/record/manifest.ts';
import { reachesRevision } from '../../core/version.ts';
import { createBridge } from '../bridge/bridge.ts';
import type { Deps, Topic } from '../ports.ts';
import { refetch } from '../reconcile/refetch.ts';
import type { CachedSecret } from '../settings/refreshing-secret.ts';
import { withFields } from '../telemetry.ts';
import { INTENTS_MAX, type RefetchIntents } from './refetch-intents.ts';

/** When a published change is announced again; each finds nothing to do where the direct path was first. */
const ANNOUNCE_DELAYS_MS = [1_000, 5_000, 15_000] as const;
/** A revision that Optimizely has not served within a day will not come any more. */
const REFETCH_AGE_MAX_MS = 24 * 60 * 60 * 1000;
/** How long Optimizely is asked again and again for an announced revision: its CDN lags by minutes at the worst. */
const REFETCH_PATIENCE_MS = 10 * 60 * 1000;

export interface Notices {
  readonly topic: Topic;
  /** Fetches the datafiles that are owed for a key, whichever replica queued them. Never throws. */
  settle(sdkKey: SdkKey): Promise<void>;
  /** Refetches that are owed, as far as this process knows. */
  readonly openCount: () => number;
  /** Forgets announcements that wait; resolves when what is under way has ended. */
  stop(): Promise<void>;
}

export function createNotices(
  deps: Omit<Deps, 'topic'>,
  projects: Pick<CachedSecret<ProjectTable>, 'get'>,
  intents: RefetchIntents,
): Notices {
  const timers = new Map<SdkKey, Timer>();
  const underWay = new Set<Promise<void>>();
  /** How many are owed of each key. */
  const open = new Map<SdkKey, number>();
  const settling = new Map<SdkKey, Promise<void>>();
  /** The last changes of a key that are over and done with, although its manifest may never say so (a pin). */
  const over = new Map<SdkKey, Set<ChangeId>>();
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
          path: 'bus',
          attempt: attempt + 1,
          sdkKey,
          changeId,
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
      open.set(notice.sdkKey, (open.get(notice.sdkKey) ?? 0) + 1);
      void settle(notice.sdkKey);
    },
  };

  const tryToSettle = async (sdkKey: SdkKey): Promise<void> => {
    const log = withFields(deps.log, { sdkKey });
    try {
      const kept = await intents.read(sdkKey);
      const manifest =
        kept.length === 0 ? null : ((await deps.record.readManifest(sdkKey))?.manifest ?? null);
      const known = over.get(sdkKey);
      const isOwed = (it: RefetchNotice) => known?.has(it.changeId) !== true && !isReached(manifest, it);
      const owed: RefetchNotice[] = [];
      for (const intent of kept.filter(isOwed)) {
        if (deps.clock.nowMs() - intent.receivedAtMs <= REFETCH_AGE_MAX_MS) owed.push(intent);
        else giveUp(sdkKey, intent, log);
      }
      open.set(sdkKey, owed.length);
      // The lowest first: while Optimizely does not have a revision, it cannot have later ones either.
      for (const intent of owed) {
        // A revision that has not come by now is left to reconcile, which asks once a minute.
        if (deps.clock.nowMs() - intent.receivedAtMs > REFETCH_PATIENCE_MS) continue;
        await refetch({ ...deps, topic }, await projects.get(), [encodeNotice(intent)]);
        endWith(sdkKey, intent);
        open.set(sdkKey, (open.get(sdkKey) ?? 1) - 1);
      }
    } catch (error) {
      log.error('reconcile.key', { result: 'refetch-open', ...errorFields(error) });
    }
  };

  const endWith = (sdkKey: SdkKey, { changeId }: RefetchNotice): void => {
    const changes = over.get(sdkKey) ?? new Set();
    over.set(sdkKey, changes.add(changeId));
    // The store keeps fewer intents than this, so that older ones are not looked up again.
    for (const oldest of changes) if (changes.size > 2 * INTENTS_MAX) changes.delete(oldest);
  };

  const giveUp = (sdkKey: SdkKey, intent: RefetchNotice, log: Deps['log']): void => {
    const { changeId, revision } = intent;
    endWith(sdkKey, intent);
    log.error('reconcile.key', { result: 'refetch-given-up', changeId, revision });
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

  const openCount = () => [...open.values()].reduce((sum, count) => sum + count, 0);
  return { topic, settle, openCount, stop };
}

/** A rollback leaves the reached revision in the history. */
const isReached = (manifest: Manifest | null, { revision }: RefetchNotice): boolean =>
  manifest !== null && [manifest, ...manifest.history].some((entry) => reachesRevision(entry, revision));
