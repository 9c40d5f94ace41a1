// The original agent's metrics under its names and in its units, so that dashboards and alerts go on working: timers, which
// are per route, and the dispatcher of events. A name is dotted in expvar's shape and snake case in Prometheus'. Pure.

import { quantileMs, SHOWN_BUCKETS_MS, type TimersByName } from './timers.ts';

/** Requests to the events endpoint, as the original's dispatcher counts them. */
export interface DispatcherCounts {
  /** Delivered. */
  readonly sent: number;
  /** Not taken. All but what the endpoint refuses for good are tried again. */
  readonly retried: number;
  /** Times that tries were given up, for a while or for good. */
  readonly givenUp: number;
  /** Not delivered yet. */
  readonly waiting: number;
}

const QUANTILES = { p50: 0.5, p90: 0.9, p95: 0.95, p99: 0.99 } as const;

/** In expvar's shape. */
export function expvarValues(timers: TimersByName, dispatcher: DispatcherCounts): Record<string, number> {
  const values: Record<string, number> = {};
  for (const [name, value] of dispatcherValues(dispatcher)) values[name] = value;
  for (const [timer, counts] of timers) {
    values[`timer.${timer}.hits`] = counts.hits;
    values[`timer.${timer}.responseTime`] = counts.totalMs;
    for (const [name, share] of Object.entries(QUANTILES))
      values[`timer.${timer}.responseTimeHist.${name}`] = quantileMs(counts, share);
  }
  return values;
}

/** In Prometheus' text format. */
export function prometheusText(timers: TimersByName, dispatcher: DispatcherCounts): string {
  const lines: string[] = [];
  const family = (dotted: string, type: 'counter' | 'gauge' | 'histogram', help: string): string => {
    const name = snake(dotted);
    lines.push(`# HELP ${name} ${help}, as the original agent counts`, `# TYPE ${name} ${type}`);
    return name;
  };
  for (const [dotted, value, help] of dispatcherValues(dispatcher))
    lines.push(`${family(dotted, dotted.startsWith('gauge') ? 'gauge' : 'counter', help)} ${value}`);
  for (const [timer, { hits, totalMs, buckets }] of timers) {
    const total = family(`timer.${timer}.responseTime`, 'counter', 'Milliseconds spent on requests');
    lines.push(`${total} ${totalMs}`);
    lines.push(`${family(`timer.${timer}.hits`, 'counter', 'Requests whose SDK key is known')} ${hits}`);
    const hist = family(`timer.${timer}.responseTimeHist`, 'histogram', 'Requests by milliseconds');
    let cumulated = 0;
    for (const [i, bound] of SHOWN_BUCKETS_MS.entries()) {
      cumulated += buckets[i] as number;
      lines.push(`${hist}_bucket{le="${bound}"} ${cumulated}`);
    }
    lines.push(`${hist}_bucket{le="+Inf"} ${hits}`, `${hist}_sum ${totalMs}`, `${hist}_count ${hits}`);
  }
  return `${lines.join('\n')}\n`;
}

const dispatcherValues = ({
  sent,
  retried,
  givenUp,
  waiting,
}: DispatcherCounts): readonly (readonly [dotted: string, value: number, help: string])[] => [
  ['counter.dispatcher.successFlush', sent, 'Requests with events that were delivered'],
  ['counter.dispatcher.retryFlush', retried, 'Requests with events that were not taken'],
  ['counter.dispatcher.failFlush', givenUp, 'Times that tries to send events were given up'],
  ['gauge.dispatcher.queueSize', waiting, 'Requests with events that are not delivered yet'],
];

/** `timer.get-config.responseTime` becomes `timer_get_config_response_time`. */
const snake = (dotted: string): string =>
  dotted
    .replaceAll(/[.-]/g, '_')
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();
