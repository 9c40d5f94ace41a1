// What operators see of traces themselves. Counted elsewhere, and only read when somebody scrapes.

import { Counter, type Registry } from 'prom-client';
import type { TraceStats } from './tracing.ts';

export function registerTraceMetrics(registers: Registry[], stats: () => TraceStats): void {
  new Counter({
    name: 'fanout_agent_spans_total',
    help: 'Spans, by what became of them; failed and dropped ones are lost',
    labelNames: ['result'],
    registers,
    collect() {
      this.reset();
      for (const [result, count] of Object.entries(stats())) this.inc({ result }, count);
    },
  });
}
