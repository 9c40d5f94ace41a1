// Requests as the original's timers count them, beside this agent's own counts: requests whose SDK key is known, also as operations
// of a batch, in milliseconds. Plain numbers, so that a request costs next to nothing and processes can be summed up.

import { addBuckets, bucketOf } from './request-counts.ts';

/** The original's timers; which route moves which is said in the table of routes. */
export const TIMERS: readonly string[] = [
  'get-config',
  'get-datafile',
  'activate',
  'decide',
  'track-event',
  'override',
  'lookup',
  'save',
  'reset',
  'send-odp-event',
  'create-api-access-token',
];

/** Upper bounds in ms of the original's histograms: Prometheus' usual ones, meant for seconds. */
export const SHOWN_BUCKETS_MS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;
/** Beyond them, so that quantiles tell slow answers apart. */
const BUCKETS_MS = [...SHOWN_BUCKETS_MS, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000] as const;

/** As another process hands them over. */
export interface TimerCounts {
  readonly hits: number;
  readonly totalMs: number;
  /** Not cumulated; the last one is of those beyond the last bound. */
  readonly buckets: Uint32Array;
}

export type TimersByName = ReadonlyMap<string, TimerCounts>;

export class Timer implements TimerCounts {
  hits = 0;
  totalMs = 0;
  readonly buckets = new Uint32Array(BUCKETS_MS.length + 1);

  record(durationMs: number): void {
    this.hits++;
    this.totalMs += durationMs;
    const bucket = bucketOf(BUCKETS_MS, durationMs);
    this.buckets[bucket] = (this.buckets[bucket] as number) + 1;
  }

  add({ hits, totalMs, buckets }: TimerCounts): void {
    this.hits += hits;
    this.totalMs += totalMs;
    addBuckets(this.buckets, buckets);
  }
}

/** All timers there are, those that nothing has moved too. */
export function sumOfTimers(all: readonly TimersByName[]): TimersByName {
  const sum = new Map(TIMERS.map((name) => [name, new Timer()]));
  for (const timers of all) for (const [name, counts] of timers) sum.get(name)?.add(counts);
  return sum;
}

/** In ms, within the quantile's bucket in proportion; of the last one its lower bound. 0 where nothing was timed. */
export function quantileMs({ hits, buckets }: TimerCounts, share: number): number {
  const rank = share * hits;
  let seen = 0;
  let lowerMs = 0;
  for (const [i, upperMs] of BUCKETS_MS.entries()) {
    const inBucket = buckets[i] as number;
    if (inBucket > 0 && seen + inBucket >= rank)
      return lowerMs + ((upperMs - lowerMs) * (rank - seen)) / inBucket;
    seen += inBucket;
    lowerMs = upperMs;
  }
  return hits === 0 ? 0 : lowerMs;
}
