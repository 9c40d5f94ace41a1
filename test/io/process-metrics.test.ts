import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { collectProcessMetrics } from '../../io/process-metrics.ts';

it('are called `_total` where they are counters, and there alone', async () => {
  const registry = new Registry();
  collectProcessMetrics(registry);
  const metrics = await registry.getMetricsAsJSON();
  expect(metrics.map(({ name }) => name)).toContain('process_resident_memory_bytes');
  const totals = metrics.filter(({ name }) => name.endsWith('_total'));
  expect(totals.length).toBeGreaterThan(0);
  expect(new Set(totals.map(({ type }) => String(type)))).toEqual(new Set(['counter']));
});
