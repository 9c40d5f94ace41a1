// What operators see of workers in Prometheus' terms; read only when the agent is scraped.

import { Counter, Gauge } from 'prom-client';
import type { Metrics } from '../../metrics/metrics.ts';
import type { WorkersReport } from './report.ts';

export function registerWorkerMetrics({ ofAgent }: Metrics, report: () => WorkersReport): void {
  const registers = [ofAgent];
  const gauge = (name: string, help: string, value: (report: WorkersReport) => number) =>
    new Gauge({
      name: `fanout_agent_${name}`,
      help,
      registers,
      collect() {
        this.set(value(report()));
      },
    });
  gauge('workers_wanted', 'Worker processes that there should be', ({ wanted }) => wanted);
  gauge('workers_serving', 'Worker processes that listen', ({ serving }) => serving);
  gauge(
    'workers_behind',
    'Worker processes that do not serve all that the agent has accepted',
    ({ all }) => all.filter(({ behind }) => behind.length > 0).length,
  );
  const counter = (name: string, help: string, value: (report: WorkersReport) => number) =>
    new Counter({
      name: `fanout_agent_${name}`,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(value(report()));
      },
    });
  counter('worker_restarts_total', 'Worker processes that had to be started again', ({ all }) =>
    all.reduce((sum, { restarts }) => sum + restarts, 0),
  );
  counter(
    'workers_frozen_total',
    'Worker processes that were ended because they did not answer any more',
    ({ frozen }) => frozen,
  );
}
