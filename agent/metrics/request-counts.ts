// Requests as a route counts them: plain numbers, so that counting costs next to nothing and processes can be summed up.
// Knows nothing of who reads them.

/** Upper bounds in seconds: from a fast decision to a slow client. */
export const REQUEST_BUCKETS_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5] as const;

/** As another process hands them over. */
export interface RequestCounts {
  readonly byStatus: ReadonlyMap<number, number>;
  /** Not cumulated; the last one is of those beyond the last bound. */
  readonly buckets: Uint32Array;
  readonly totalS: number;
  readonly count: number;
}

export type CountsByRoute = ReadonlyMap<string, RequestCounts>;

/** One route's requests. */
export class RouteStats implements RequestCounts {
  readonly byStatus = new Map<number, number>();
  readonly buckets = new Uint32Array(REQUEST_BUCKETS_S.length + 1);
  totalS = 0;
  count = 0;

  record(status: number, durationS: number): void {
    this.byStatus.set(status, (this.byStatus.get(status) ?? 0) + 1);
    this.count++;
    this.totalS += durationS;
    const bucket = bucketOf(REQUEST_BUCKETS_S, durationS);
    this.buckets[bucket] = (this.buckets[bucket] as number) + 1;
  }

  add(other: RequestCounts): void {
    addCounts(this.byStatus, other.byStatus);
    this.count += other.count;
    this.totalS += other.totalS;
    addBuckets(this.buckets, other.buckets);
  }
}

/** @param bounds the upper ones, in rising order; beyond the last comes one more bucket */
export function bucketOf(bounds: readonly number[], value: number): number {
  let bucket = 0;
  while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++;
  return bucket;
}

export function addBuckets(to: Uint32Array, counts: Uint32Array): void {
  for (let i = 0; i < to.length; i++) to[i] = (to[i] as number) + (counts[i] ?? 0);
}

export function sumOfRoutes(all: readonly CountsByRoute[]): CountsByRoute {
  const [only, ...more] = all;
  if (only !== undefined && more.length === 0) return only;
  const sum = new Map<string, RouteStats>();
  for (const routes of all)
    for (const [name, counts] of routes) {
      const stats = sum.get(name) ?? new RouteStats();
      stats.add(counts);
      sum.set(name, stats);
    }
  return sum;
}

export function addCounts<K>(to: Map<K, number>, counts: ReadonlyMap<K, number>): void {
  for (const [key, count] of counts) to.set(key, (to.get(key) ?? 0) + count);
}

/** As Prometheus has histograms. Written by hand: its library can only observe one value at a time. */
export function requestHistogram(routes: CountsByRoute): string {
  const name = 'fanout_agent_http_request_seconds';
  const lines = [`# HELP ${name} Time to answer, by route`, `# TYPE ${name} histogram`];
  for (const [route, stats] of routes) {
    let cumulated = 0;
    for (const [i, bound] of [...REQUEST_BUCKETS_S, '+Inf'].entries()) {
      cumulated += stats.buckets[i] as number;
      lines.push(`${name}_bucket{le="${bound}",route="${route}"} ${cumulated}`);
    }
    lines.push(
      `${name}_sum{route="${route}"} ${stats.totalS}`,
      `${name}_count{route="${route}"} ${stats.count}`,
    );
  }
  return `${lines.join('\n')}\n`;
}
