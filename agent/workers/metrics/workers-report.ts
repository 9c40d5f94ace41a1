// How the workers are, held against what the agent has accepted. Pure.

import type { SdkKey } from '../../../core/ids.ts';
import { isEnough } from '../../datafiles/health/readiness.ts';
import type { Keys } from '../../datafiles/keys/keys.ts';
import type { AnyStore } from '../../datafiles/store.ts';
import { versionOf } from '../live-worker.ts';
import type { Pool } from '../pool.ts';
import type { WorkerStatus, WorkersReport } from './report.ts';

export function workersReport(
  pool: Pick<Pool, 'places'>,
  keys: Pick<Keys, 'all'>,
  store: Pick<AnyStore, 'get'>,
  isExempt: (sdkKey: SdkKey) => boolean,
  frozen = 0,
): WorkersReport {
  const wanted = [...keys.all()].flatMap(({ sdkKey }) => {
    const held = store.get(sdkKey);
    return held === null ? [] : [{ sdkKey, version: versionOf(held) }];
  });
  const places = pool.places();
  const all = places.map(({ worker, restarts, live }): WorkerStatus => {
    const behind = wanted.filter(({ sdkKey, version }) => live?.serves.get(sdkKey) !== version);
    return {
      ...{ worker, restarts, pid: live?.pid ?? null, state: live?.state ?? 'dead' },
      behind: behind.map(({ sdkKey }) => sdkKey),
    };
  });
  const serving = places.flatMap(({ live }) => (live?.state === 'serving' ? live : []));
  return {
    frozen,
    wanted: places.length,
    serving: serving.length,
    ready:
      serving.length > 0 &&
      serving.every(({ serves }) => isEnough(keys.all(), (sdkKey) => serves.has(sdkKey), isExempt)),
    whole: all.every(({ state, behind }) => state === 'serving' && behind.length === 0),
    all,
  };
}
