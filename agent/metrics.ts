// What an agent counts, in Prometheus' terms. The request path only bumps plain numbers; they become samples when
// somebody scrapes. Knows nothing of who calls it.

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { SdkKey } from '../core/ids.ts';
import { registerEventMetrics } from './events/metrics.ts';
import type { EventStats } from './events/queue.ts';
import type { Trouble } from './outside/troubles.ts';
import type { Outcome, SourceName } from './sources/source.ts';

/** Upper bounds in seconds: from a fast decision to a slow client. */
export const REQUEST_BUCKETS_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5] as const;
const PROPAGATION_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 300] as const;
const SWAP_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1] as const;

/** A datafile's state at the time of a scrape. */
export interface DatafileSample {
  readonly sdkKey: SdkKey;
  readonly seq: number;
  readonly revision: number;
  /** Seconds since it was last seen to be current; null when it never was. */
  readonly verifiedAgeS: number | null;
}

/** One route's requests; plain numbers, so that counting costs next to nothing. */
export class RouteStats {
  readonly byStatus = new Map<number, number>();
  readonly buckets = new Uint32Array(REQUEST_BUCKETS_S.length + 1);
  totalS = 0;
  count = 0;

  record(status: number, durationS: number): void {
    this.byStatus.set(status, (this.byStatus.get(status) ?? 0) + 1);
    this.count++;
    this.totalS += durationS;
    let bucket = 0;
    while (bucket < REQUEST_BUCKETS_S.length && durationS > (REQUEST_BUCKETS_S[bucket] as number)) bucket++;
    this.buckets[bucket] = (this.buckets[bucket] as number) + 1;
  }
}

export interface MetricsOptions {
  readonly datafiles: () => readonly DatafileSample[];
  readonly busAvailable: () => boolean;
  readonly events?: () => EventStats;
}

export class Metrics {
  readonly #registry = new Registry();
  readonly #routes = new Map<string, RouteStats>();
  readonly #offers: Counter<'source' | 'result' | 'reason'>;
  readonly #sourceFailures: Counter<'source'>;
  readonly #reconnects: Counter;
  readonly #propagation: Histogram;
  readonly #swap: Histogram;
  readonly #looks: Counter<'result'>;
  readonly #cacheFailures: Counter;
  readonly #serviceFailures: Counter<'service' | 'what'>;

  constructor(options: MetricsOptions) {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    const counter = <L extends string>(name: string, help: string, labelNames: L[] = []) =>
      new Counter({ name: `fanout_agent_${name}`, help, labelNames, registers });
    const histogram = (name: string, help: string, buckets: readonly number[]) =>
      new Histogram({ name: `fanout_agent_${name}`, help, buckets: [...buckets], registers });
    this.#offers = counter('offers_total', 'Datafiles that sources offered, by what became of them', [
      'source',
      'result',
      'reason',
    ]);
    this.#sourceFailures = counter('source_failures_total', 'Looks of a source that failed', ['source']);
    this.#reconnects = counter('bus_reconnects_total', 'Times that the link to the bus came up');
    this.#propagation = histogram(
      'propagation_seconds',
      'From the webhook received to the new datafile serving (the clocks of both machines count)',
      PROPAGATION_BUCKETS_S,
    );
    this.#swap = histogram(
      'swap_seconds',
      'From a candidate offered to its datafile serving',
      SWAP_BUCKETS_S,
    );
    this.#looks = counter('s3_polls_total', 'Reads of a manifest, by result', ['result']);
    this.#cacheFailures = counter('cache_failures_total', 'Reads and writes of the disk cache that failed');
    this.#serviceFailures = counter(
      'service_failures_total',
      'What services outside (profiles, segments, predictions, their caches) did not do',
      ['service', 'what'],
    );
    if (options.events !== undefined) registerEventMetrics(registers, options.events);
    this.#gauges(options, registers);
    this.#requests(registers);
  }

  offered(source: SourceName, outcome: Outcome): void {
    const reason =
      outcome.kind === 'ignored' ? outcome.reason : outcome.kind === 'rejected' ? outcome.code : '';
    this.#offers.inc({ source, result: outcome.kind, reason });
  }

  accepted(propagationMs: number, swapMs: number, live: boolean): void {
    // A datafile found at start says nothing about how long changes travel.
    if (live) this.#propagation.observe(Math.max(propagationMs, 0) / 1000);
    this.#swap.observe(swapMs / 1000);
  }

  sourceFailed(source: SourceName): void {
    this.#sourceFailures.inc({ source });
    if (source === 'disk') this.#cacheFailures.inc();
  }

  busConnected(): void {
    this.#reconnects.inc();
  }

  recordLooked(result: string): void {
    this.#looks.inc({ result });
  }

  serviceFailed({ service, what }: Trouble): void {
    this.#serviceFailures.inc({ service, what });
  }

  route(name: string): RouteStats {
    let stats = this.#routes.get(name);
    if (stats === undefined) {
      stats = new RouteStats();
      this.#routes.set(name, stats);
    }
    return stats;
  }

  /** What was counted, by route. */
  routes(): ReadonlyMap<string, RouteStats> {
    return this.#routes;
  }

  /** The exposition text and its content type. */
  async scrape(): Promise<{ readonly contentType: string; readonly text: string }> {
    const text = await this.#registry.metrics();
    return { contentType: this.#registry.contentType, text: text + requestHistogram(this.#routes) };
  }

  #gauges({ datafiles, busAvailable }: MetricsOptions, registers: Registry[]): void {
    const perKey = (name: string, help: string, value: (sample: DatafileSample) => number | null) =>
      new Gauge({
        name: `fanout_agent_datafile_${name}`,
        help,
        labelNames: ['sdk_key'],
        registers,
        collect() {
          this.reset();
          for (const sample of datafiles()) {
            const current = value(sample);
            if (current !== null) this.set({ sdk_key: sample.sdkKey }, current);
          }
        },
      });
    perKey(
      'seq',
      'Position in the record of the datafile that serves; 0: not from the record',
      ({ seq }) => seq,
    );
    perKey('revision', 'Revision of the datafile that serves', ({ revision }) => revision);
    perKey('verified_age_seconds', 'Since the datafile was last seen to be current', (it) => it.verifiedAgeS);
    new Gauge({
      name: 'fanout_agent_bus_available',
      help: '1 while the bus can be trusted',
      registers,
      collect() {
        this.set(busAvailable() ? 1 : 0);
      },
    });
  }

  #requests(registers: Registry[]): void {
    const routes = this.#routes;
    new Counter({
      name: 'fanout_agent_http_requests_total',
      help: 'Requests answered, by route and status',
      labelNames: ['route', 'status'],
      registers,
      collect() {
        this.reset();
        for (const [route, stats] of routes)
          for (const [status, count] of stats.byStatus) this.inc({ route, status: String(status) }, count);
      },
    });
  }
}

/** Written by hand: the library can only observe one value at a time, and these were already counted. */
function requestHistogram(routes: ReadonlyMap<string, RouteStats>): string {
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
