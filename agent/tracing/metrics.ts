// What operators see of traces themselves. Counted elsewhere, and only read when the agent is scraped.

import { Counter } from 'prom-client';
import type { Metrics } from '../metrics/metrics.ts';
import type { TraceStats } from './types.ts';

export function registerTraceMetrics({ ofProcess }: Metrics, stats: () => TraceStats): void {
  new Counter({
    name: 'fanout_agent_spans_total',
    help: 'Spans, by what became of them; failed and dropped ones are lost',
    labelNames: ['result'],
    registers: [ofProcess],
    collect() {
      this.reset();
      for (const [result, count] of Object.entries(stats())) this.inc({ result }, count);
    },
  });
}
