// Counts in the shape of Go's expvar, with the original's names: memory, and a timer for each route that it has too. For
// dashboards that read it; Prometheus' shape says more. Pure.

import type { Memory } from '../metrics.ts';
import type { CountsByRoute, RequestCounts } from '../request-counts.ts';

/** The original's timers, by the routes they time. */
export const TIMERS: Readonly<Record<string, string>> = {
  'GET /v1/config': 'get-config',
  'GET /v1/datafile': 'get-datafile',
  'POST /v1/activate': 'activate',
  'POST /v1/decide': 'decide',
  'POST /v1/track': 'track-event',
  'POST /v1/override': 'override',
  'POST /v1/lookup': 'lookup',
  'POST /v1/save': 'save',
  'POST /v1/reset': 'reset',
  'POST /v1/send-odp-event': 'send-odp-event',
  'POST /v1/batch': 'batch',
  'POST /oauth/token': 'create-api-access-token',
};
const QUANTILES = { p50: 0.5, p90: 0.9, p95: 0.95, p99: 0.99 } as const;
const MS_PER_S = 1_000;

/** @param boundsS upper bounds of the buckets that routes count their times in, in seconds */
export function expvar(
  routes: CountsByRoute,
  boundsS: readonly number[],
  memory: Memory,
): Readonly<Record<string, unknown>> {
  const values: Record<string, unknown> = {
    cmdline: ['agent'],
    memstats: {
      Alloc: memory.heapUsed,
      Sys: memory.rss,
      HeapAlloc: memory.heapUsed,
      HeapSys: memory.heapTotal,
      HeapInuse: memory.heapUsed,
      HeapIdle: memory.heapTotal - memory.heapUsed,
    },
  };
  for (const [route, timer] of Object.entries(TIMERS)) {
    const stats = routes.get(route);
    if (stats === undefined) continue;
    values[`timer.${timer}.hits`] = stats.count;
    values[`timer.${timer}.responseTime`] = stats.totalS * MS_PER_S;
    for (const [name, share] of Object.entries(QUANTILES))
      values[`timer.${timer}.responseTimeHist.${name}`] = quantileS(stats, boundsS, share) * MS_PER_S;
  }
  return values;
}

/** The upper bound of the bucket that the quantile falls into; of the last one, its lower bound. 0 without requests. */
function quantileS({ buckets, count }: RequestCounts, boundsS: readonly number[], share: number): number {
  if (count === 0) return 0;
  let seen = 0;
  for (const [i, bound] of boundsS.entries()) {
    seen += buckets[i] as number;
    if (seen >= share * count) return bound;
  }
  return boundsS.at(-1) ?? 0;
}
