// What an agent counts, in Prometheus' terms. The request path only bumps plain numbers; they become samples when
// somebody scrapes. Knows nothing of who calls it.

import {
  AggregatorRegistry,
  Counter,
  Histogram,
  type MetricObjectWithValues,
  type MetricValue,
  Registry,
} from 'prom-client';
import { collectProcessMetrics } from '../../io/process-metrics.ts';
import type { Outcome, SourceName } from '../datafiles/sources/source.ts';
import { registerEventMetrics } from '../events/metrics.ts';
import type { EventStats } from '../events/queue/queue.ts';
import type { Failure } from '../services/failure-log.ts';
import { registerTraceMetrics } from '../tracing/metrics.ts';
import type { TraceStats } from '../tracing/tracing.ts';
import { registerWorkerMetrics } from '../workers/metrics/metrics.ts';
import type { WorkersReport } from '../workers/metrics/report.ts';
import { type DatafileSources, registerDatafileMetrics } from './datafile-metrics.ts';
import { expvarValues, prometheusText } from './original-metrics.ts';
import {
  addCounts,
  type CountsByRoute,
  RouteStats,
  requestHistogram,
  sumOfRoutes,
} from './request-counts.ts';
import { sumOfTimers, Timer, type TimersByName } from './timers.ts';

export type { DatafileSample } from './datafile-metrics.ts';
export { RouteStats } from './request-counts.ts';

const PROPAGATION_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 300] as const;
const SWAP_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1] as const;

/** What another process of the same agent counted, to be summed up. */
export interface ProcessCounts {
  readonly routes: CountsByRoute;
  readonly timers: TimersByName;
  /** By `service what`. */
  readonly troubles: ReadonlyMap<string, number>;
  /** Of the process itself, as the library hands them over: processor time, memory and the like. */
  readonly ofProcess: readonly MetricObjectWithValues<MetricValue<string>>[];
  readonly memory: Memory;
}

/** In bytes. */
export type Memory = Pick<NodeJS.MemoryUsage, 'rss' | 'heapTotal' | 'heapUsed'>;

export interface MetricsOptions {
  /** Left out where none are watched: a worker is given its datafiles. */
  readonly sources?: DatafileSources;
  readonly events?: () => EventStats;
  readonly traces?: () => TraceStats;
  /** Other processes of the same agent: all that is shown are sums. */
  readonly others?: () => readonly ProcessCounts[];
  readonly workers?: () => WorkersReport;
}

export class Metrics {
  readonly #registry = new Registry();
  /** Of the process itself. */
  readonly #process = new Registry();
  readonly #routes = new Map<string, RouteStats>();
  readonly #timers = new Map<string, Timer>();
  readonly #events: () => EventStats | null;
  readonly #offers: Counter<'source' | 'result' | 'reason'>;
  readonly #sourceFailures: Counter<'source'>;
  readonly #reconnects: Counter;
  readonly #propagation: Histogram;
  readonly #swap: Histogram;
  readonly #looks: Counter<'result'>;
  readonly #cacheFailures: Counter;
  readonly #engineChecks: Counter<'result'>;
  readonly #troubles = new Map<string, number>();
  readonly #others: () => readonly ProcessCounts[];

  constructor(options: MetricsOptions) {
    const registers = [this.#registry];
    this.#others = options.others ?? (() => []);
    this.#events = options.events ?? (() => null);
    collectProcessMetrics(this.#process);
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
    this.#engineChecks = new Counter({
      name: 'fanout_agent_engine_checks_total',
      help: "Decisions of the engine that were compared with the SDK's, by result",
      labelNames: ['result'],
      registers: [this.#process],
    });
    if (options.events !== undefined) registerEventMetrics(registers, options.events);
    if (options.workers !== undefined) registerWorkerMetrics(registers, options.workers);
    if (options.traces !== undefined) registerTraceMetrics([this.#process], options.traces);
    if (options.sources !== undefined) registerDatafileMetrics(registers, options.sources);
    this.#sums(registers);
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

  engineChecked(isSame: boolean): void {
    this.#engineChecks.inc({ result: isSame ? 'same' : 'different' });
  }

  serviceFailed({ service, what }: Failure): void {
    const trouble = `${service} ${what}`;
    this.#troubles.set(trouble, (this.#troubles.get(trouble) ?? 0) + 1);
  }

  route(name: string): RouteStats {
    let stats = this.#routes.get(name);
    if (stats === undefined) {
      stats = new RouteStats();
      this.#routes.set(name, stats);
    }
    return stats;
  }

  /** One of the original's, by its name there. */
  timer(name: string): Timer {
    let timer = this.#timers.get(name);
    if (timer === undefined) {
      timer = new Timer();
      this.#timers.set(name, timer);
    }
    return timer;
  }

  /** The original's, in its shape without Prometheus. */
  expvar(): Record<string, number> {
    return expvarValues(this.#allTimers(), dispatcherOf(this.#events()));
  }

  memory(): Memory {
    const all = [process.memoryUsage(), ...this.#others().map(({ memory }) => memory)];
    const sum = (field: keyof Memory) => all.reduce((bytes, one) => bytes + one[field], 0);
    return { rss: sum('rss'), heapTotal: sum('heapTotal'), heapUsed: sum('heapUsed') };
  }

  /** What this process counted, for whoever sums it up. */
  async counts(): Promise<ProcessCounts> {
    const ofProcess = await this.#process.getMetricsAsJSON();
    const { rss, heapTotal, heapUsed } = process.memoryUsage();
    const memory = { rss, heapTotal, heapUsed };
    return { routes: this.#routes, timers: this.#timers, troubles: this.#troubles, ofProcess, memory };
  }

  /** The exposition text and its content type. */
  async scrape(): Promise<{ readonly contentType: string; readonly text: string }> {
    const ofProcesses = [await this.#process.getMetricsAsJSON(), ...this.#others().map((it) => it.ofProcess)];
    const summed = ofProcesses.length === 1 ? this.#process : AggregatorRegistry.aggregate(ofProcesses);
    const parts = [
      ...[await summed.metrics(), await this.#registry.metrics(), requestHistogram(this.#allRoutes())],
      prometheusText(this.#allTimers(), dispatcherOf(this.#events())),
    ];
    return { contentType: this.#registry.contentType, text: parts.join('') };
  }

  #allRoutes(): CountsByRoute {
    return sumOfRoutes([this.#routes, ...this.#others().map(({ routes }) => routes)]);
  }

  #allTimers(): TimersByName {
    return sumOfTimers([this.#timers, ...this.#others().map(({ timers }) => timers)]);
  }

  /** Counted in plain numbers, here and in other processes. */
  #sums(registers: Registry[]): void {
    const routes = () => this.#allRoutes();
    const troubles = () => {
      const sum = new Map(this.#troubles);
      for (const other of this.#others()) addCounts(sum, other.troubles);
      return sum;
    };
    new Counter({
      name: 'fanout_agent_service_failures_total',
      help: 'What services outside (profiles, segments, predictions, their caches) did not do',
      labelNames: ['service', 'what'],
      registers,
      collect() {
        this.reset();
        for (const [trouble, count] of troubles()) {
          const [service = '', what = ''] = trouble.split(' ', 2);
          this.inc({ service, what }, count);
        }
      },
    });
    new Counter({
      name: 'fanout_agent_http_requests_total',
      help: 'Requests answered, by route and status',
      labelNames: ['route', 'status'],
      registers,
      collect() {
        this.reset();
        for (const [route, stats] of routes())
          for (const [status, count] of stats.byStatus) this.inc({ route, status: String(status) }, count);
      },
    });
  }
}

const dispatcherOf = (events: EventStats | null) =>
  events?.dispatcher ?? { sent: 0, retried: 0, givenUp: 0, waiting: 0 };
