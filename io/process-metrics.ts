// What the library tells of the process itself, but for what does not follow Prometheus' naming. Knows nothing of agents.

import { collectDefaultMetrics, type Registry } from 'prom-client';

/** Gauges that are called `_total`, as only counters may be; the same numbers by type stay, under names of their own. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
] as const;

export function collectProcessMetrics(register: Registry): void {
  collectDefaultMetrics({ register });
  for (const name of MISNAMED) register.removeSingleMetric(name);
}
