// What operators see of events. All of it is counted elsewhere, in plain numbers, and only read when the agent is scraped.

import { Counter, Gauge } from 'prom-client';
import type { Metrics } from '../metrics/metrics.ts';
import type { EventStats } from './queue/queue.ts';

export function registerEventMetrics(metrics: Metrics, stats: () => EventStats): void {
  const registers = [metrics.ofAgent];
  metrics.countDispatcher(() => stats().dispatcher);
  const counter = (
    name: string,
    help: string,
    counts: (stats: EventStats) => Readonly<Record<string, number>>,
  ) =>
    new Counter({
      name: `fanout_agent_${name}`,
      help,
      labelNames: ['result'],
      registers,
      collect() {
        this.reset();
        for (const [result, count] of Object.entries(counts(stats()))) this.inc({ result }, count);
      },
    });
  const gauge = (name: string, help: string, value: (stats: EventStats) => number) =>
    new Gauge({
      name: `fanout_agent_${name}`,
      help,
      registers,
      collect() {
        this.set(value(stats()));
      },
    });
  counter(
    'events_total',
    'Events, by what became of them; all but queued and sent are losses',
    (it) => it.events,
  );
  counter('event_batches_total', 'Requests to the events endpoint, by result', (it) => it.requests);
  gauge('events_held', 'Events in memory, not delivered yet', (it) => it.heldCount);
  gauge(
    'events_at_risk',
    'Events neither delivered nor on disk: what a kill would lose now',
    (it) => it.atRiskCount,
  );
  gauge(
    'events_on_disk',
    'Events on disk, not delivered yet; those of an earlier life once they are read',
    (it) => it.diskCount,
  );
  gauge('events_on_disk_bytes', 'Size of the files that keep events', (it) => it.diskBytes);
}
