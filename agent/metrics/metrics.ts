// What an agent counts, in Prometheus' terms. The request path only adds to plain numbers, which become samples when the agent is
// scraped. Subsystems register metrics of their own in the two registries, where the agent is wired: none is known here.

import {
  AggregatorRegistry,
  Counter,
  type MetricObjectWithValues,
  type MetricValue,
  Registry,
} from 'prom-client';
import { collectProcessMetrics } from '../../io/process-metrics.ts';
import { type DispatcherCounts, expvarValues, prometheusText } from './original-metrics.ts';
import {
  addCounts,
  type CountsByRoute,
  RouteStats,
  requestHistogram,
  sumOfRoutes,
} from './request-counts.ts';
import { sumOfTimers, Timer, type TimersByName } from './timers.ts';

/** What another process of the same agent counted, to be summed up. */
export interface ProcessCounts {
  readonly routes: CountsByRoute;
  readonly timers: TimersByName;
  /** By `service what`. */
  readonly failures: ReadonlyMap<string, number>;
  /** As the library hands them over: processor time, memory and the like. */
  readonly ofProcess: readonly MetricObjectWithValues<MetricValue<string>>[];
  readonly memory: Memory;
}

/** In bytes. */
export type Memory = Pick<NodeJS.MemoryUsage, 'rss' | 'heapTotal' | 'heapUsed'>;

const NOTHING_SENT: DispatcherCounts = { sent: 0, retried: 0, givenUp: 0, waiting: 0 };

export class Metrics {
  /** Metrics that one process has for the whole agent: the one that is scraped. */
  readonly ofAgent = new Registry();
  /** Metrics that every process has; a scrape shows their sums. */
  readonly ofProcess = new Registry();
  readonly #routes = new Map<string, RouteStats>();
  readonly #timers = new Map<string, Timer>();
  readonly #failures = new Map<string, number>();
  #dispatcher: () => DispatcherCounts = () => NOTHING_SENT;
  #others: () => readonly ProcessCounts[] = () => [];

  constructor() {
    collectProcessMetrics(this.ofProcess);
    this.#registerFailures();
    this.#registerRequests();
  }

  /** Requests with events are counted by `dispatcher`; until this is called none are sent. */
  countDispatcher(dispatcher: () => DispatcherCounts): void {
    this.#dispatcher = dispatcher;
  }

  /** There are other processes of the same agent: from now on a scrape shows sums of all of them. */
  addProcesses(others: () => readonly ProcessCounts[]): void {
    this.#others = others;
  }

  /** @param service which one outside of the agent did not do `what` */
  serviceFailed({ service, what }: { readonly service: string; readonly what: string }): void {
    addCounts(this.#failures, new Map([[`${service} ${what}`, 1]]));
  }

  route(name: string): RouteStats {
    let stats = this.#routes.get(name);
    if (stats === undefined) {
      stats = new RouteStats();
      this.#routes.set(name, stats);
    }
    return stats;
  }

  /** One of the original agent's timers, by its name there. */
  timer(name: string): Timer {
    let timer = this.#timers.get(name);
    if (timer === undefined) {
      timer = new Timer();
      this.#timers.set(name, timer);
    }
    return timer;
  }

  /** The original agent's metrics, in its shape without Prometheus. */
  expvar(): Record<string, number> {
    return expvarValues(this.#allTimers(), this.#dispatcher());
  }

  /** Of all processes together. */
  memory(): Memory {
    const all = [process.memoryUsage(), ...this.#others().map(({ memory }) => memory)];
    const sum = (field: keyof Memory) => all.reduce((bytes, one) => bytes + one[field], 0);
    return { rss: sum('rss'), heapTotal: sum('heapTotal'), heapUsed: sum('heapUsed') };
  }

  /** What this process counted, for the process that sums it up. */
  async counts(): Promise<ProcessCounts> {
    const { rss, heapTotal, heapUsed } = process.memoryUsage();
    return {
      routes: this.#routes,
      timers: this.#timers,
      failures: this.#failures,
      ofProcess: await this.ofProcess.getMetricsAsJSON(),
      memory: { rss, heapTotal, heapUsed },
    };
  }

  /** The exposition text and its content type. */
  async scrape(): Promise<{ readonly contentType: string; readonly text: string }> {
    const ofProcesses = [
      await this.ofProcess.getMetricsAsJSON(),
      ...this.#others().map((it) => it.ofProcess),
    ];
    const summed = ofProcesses.length === 1 ? this.ofProcess : AggregatorRegistry.aggregate(ofProcesses);
    const parts = [
      await summed.metrics(),
      await this.ofAgent.metrics(),
      requestHistogram(this.#allRoutes()),
      prometheusText(this.#allTimers(), this.#dispatcher()),
    ];
    return { contentType: this.ofAgent.contentType, text: parts.join('') };
  }

  #allRoutes(): CountsByRoute {
    return sumOfRoutes([this.#routes, ...this.#others().map(({ routes }) => routes)]);
  }

  #allTimers(): TimersByName {
    return sumOfTimers([this.#timers, ...this.#others().map(({ timers }) => timers)]);
  }

  #allFailures(): ReadonlyMap<string, number> {
    const sum = new Map(this.#failures);
    for (const { failures } of this.#others()) addCounts(sum, failures);
    return sum;
  }

  #registerFailures(): void {
    const failures = () => this.#allFailures();
    new Counter({
      name: 'fanout_agent_service_failures_total',
      help: 'What services outside (profiles, segments, predictions, their caches) did not do',
      labelNames: ['service', 'what'],
      registers: [this.ofAgent],
      collect() {
        this.reset();
        for (const [failure, count] of failures()) {
          const [service = '', what = ''] = failure.split(' ', 2);
          this.inc({ service, what }, count);
        }
      },
    });
  }

  #registerRequests(): void {
    const routes = () => this.#allRoutes();
    new Counter({
      name: 'fanout_agent_http_requests_total',
      help: 'Requests answered, by route and status',
      labelNames: ['route', 'status'],
      registers: [this.ofAgent],
      collect() {
        this.reset();
        for (const [route, stats] of routes())
          for (const [status, count] of stats.byStatus) this.inc({ route, status: String(status) }, count);
      },
    });
  }
}
