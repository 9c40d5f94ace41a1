// Counts in the shape of Go's expvar, as the original gives them: memory, and its own metrics under its names. For dashboards
// that read it; Prometheus' shape says more. Pure.

import type { Memory, Metrics } from '../../metrics/metrics.ts';

export function expvar(metrics: Pick<Metrics, 'expvar' | 'memory'>): Readonly<Record<string, unknown>> {
  const memory = metrics.memory();
  return { cmdline: ['agent'], memstats: memstats(memory), ...metrics.expvar() };
}

/** Those of Go's runtime that Node's has too. */
const memstats = ({ heapUsed, heapTotal, rss }: Memory) => ({
  Alloc: heapUsed,
  Sys: rss,
  HeapAlloc: heapUsed,
  HeapSys: heapTotal,
  HeapInuse: heapUsed,
  HeapIdle: heapTotal - heapUsed,
});
