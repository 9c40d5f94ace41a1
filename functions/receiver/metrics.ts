// The functions' counts for Prometheus instead of CloudWatch, under the same names in Prometheus' spelling. Knows nothing of
// their meaning.

import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { METRIC, type MetricName } from '../../core/log.ts';
import { collectProcessMetrics } from '../../io/process-metrics.ts';
import type { Metrics } from '../ports.ts';

const LATENCY_BUCKETS_S = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 300];
const PREFIX = 'fanout_receiver_';
const MS = 'Ms';

export interface ReceiverMetrics {
  readonly metrics: Metrics;
  reconciled(outcome: 'ok' | 'failed', nowMs: number): void;
  answered(status: number): void;
  readonly contentType: string;
  /** Prometheus' text format. Written once for all requests that come while it is being written: any client may ask, and often. */
  text(): Promise<string>;
}

/** `PublishLatencyMs` becomes `publish_latency_seconds`, `MissedWebhook` `missed_webhook_total`. */
const snake = (name: string): string => name.replace(/(?<=.)([A-Z])/g, '_$1').toLowerCase();

export function createReceiverMetrics(openRefetches: () => number): ReceiverMetrics {
  const registers = [new Registry()];
  const [registry] = registers as [Registry];
  collectProcessMetrics(registry);
  const counters = new Map<MetricName, Counter>();
  const histograms = new Map<MetricName, Histogram>();
  for (const metric of Object.values(METRIC)) {
    const help = `${metric}, as in CloudWatch`;
    if (metric.endsWith(MS)) {
      const name = `${PREFIX}${snake(metric.slice(0, -MS.length))}_seconds`;
      histograms.set(metric, new Histogram({ name, help, buckets: LATENCY_BUCKETS_S, registers }));
    } else counters.set(metric, new Counter({ name: `${PREFIX}${snake(metric)}_total`, help, registers }));
  }
  const answers = new Counter({
    name: `${PREFIX}answers_total`,
    help: 'Answers to webhooks by status',
    labelNames: ['status'],
    registers,
  });
  const runs = new Counter({
    name: `${PREFIX}reconcile_runs_total`,
    help: 'Runs of reconcile by outcome',
    labelNames: ['outcome'],
    registers,
  });
  const lastRun = new Gauge({
    name: `${PREFIX}reconcile_last_success_timestamp_seconds`,
    help: 'When reconcile last ended without a failure',
    registers,
  });
  new Gauge({
    name: `${PREFIX}refetches_open`,
    help: 'Datafiles that were announced to this replica and that Optimizely has not served yet',
    registers,
    collect() {
      this.set(openRefetches());
    },
  });
  let underWay: Promise<string> | null = null;
  return {
    metrics: {
      count: (name, amount = 1) => counters.get(name)?.inc(amount),
      timeMs: (name, elapsedMs) => histograms.get(name)?.observe(Math.max(0, elapsedMs) / 1000),
    },
    reconciled: (outcome, nowMs) => {
      runs.inc({ outcome });
      if (outcome === 'ok') lastRun.set(nowMs / 1000);
    },
    answered: (status) => answers.inc({ status: String(status) }),
    contentType: registry.contentType,
    text: () => {
      underWay ??= registry.metrics().finally(() => {
        underWay = null;
      });
      return underWay;
    },
  };
}
