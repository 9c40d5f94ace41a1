// Traces as the rest of the agent sees them: what it is told, and what it counts. All of OpenTelemetry is behind the one
// import() here, so that an agent without traces neither loads it nor pays for it.

import type { Clock } from '../../core/clock.ts';
import { errorFields } from '../../core/errors.ts';
import type { SdkKey } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import type { AgentConfig } from '../config/config.ts';
import type { DatafileMeta, SourceName } from '../datafiles/sources/source.ts';
import type { OnAnswered } from '../http/kernel/server.ts';

/** A datafile that begins to serve. */
export interface Swapped extends DatafileMeta {
  readonly source: SourceName;
  readonly acceptedAtMs: number;
}

/** Spans so far, by what became of them. */
export interface TraceStats {
  readonly sent: number;
  /** Refused by the collector, or it was not there. */
  readonly failed: number;
  /** Too many waited for it. */
  readonly dropped: number;
}

export interface Tracing {
  /** A span for a request that has been answered; it is linked to the swap that brought its datafile. */
  readonly answered: OnAnswered;
  /** A span in the trace of the change. To be called before the first request is answered from this datafile. */
  swapped(held: Swapped): void;
  /** The key is not served any more. */
  forgotten(sdkKey: SdkKey): void;
  readonly stats: () => TraceStats;
  /** Sends what waits, within a limit; never rejects. */
  stop(): Promise<void>;
}

/** The same once it is there, told later than it happened. */
export interface LoadedTracing extends Omit<Tracing, 'answered'> {
  readonly answered: (...args: [...Parameters<OnAnswered>, endedAtMs: number]) => void;
}

export interface TracingDeps {
  readonly clock: Clock;
  readonly log: Log;
}

/** What may be told while OpenTelemetry loads, which takes a moment at start. */
const WAITING_MAX = 1_000;
const NOTHING_YET: TraceStats = { sent: 0, failed: 0, dropped: 0 };

/** Null where traces are off. For any process that answers requests; each has its own. Nobody waits for it to load. */
export const startTracing = (config: AgentConfig, deps: TracingDeps): Tracing | null =>
  config.tracing.enabled ? new LateTracing(config, deps) : null;

/** Keeps what it is told until OpenTelemetry is there to hear it. */
class LateTracing implements Tracing {
  readonly #nowMs: () => number;
  readonly #loaded: Promise<void>;
  #tracing: LoadedTracing | null = null;
  #waiting: ((tracing: LoadedTracing) => void)[] = [];

  constructor(config: AgentConfig, deps: TracingDeps) {
    this.#nowMs = () => deps.clock.nowMs();
    this.#loaded = load(config, deps).then(
      (tracing) => {
        for (const tell of this.#waiting) tell(tracing);
        this.#waiting = [];
        this.#tracing = tracing;
      },
      (error) =>
        deps.log.error('service.failed', { dependency: 'traces', what: 'load', ...errorFields(error) }),
    );
  }

  readonly answered: OnAnswered = (exchange, route, status, durationMs) => {
    const endedAtMs = this.#nowMs();
    this.#tell((tracing) => tracing.answered(exchange, route, status, durationMs, endedAtMs));
  };

  readonly stats = (): TraceStats => this.#tracing?.stats() ?? NOTHING_YET;

  swapped(held: Swapped): void {
    this.#tell((tracing) => tracing.swapped(held));
  }

  forgotten(sdkKey: SdkKey): void {
    this.#tell((tracing) => tracing.forgotten(sdkKey));
  }

  async stop(): Promise<void> {
    await this.#loaded;
    await this.#tracing?.stop();
  }

  #tell(tell: (tracing: LoadedTracing) => void): void {
    if (this.#tracing !== null) tell(this.#tracing);
    else if (this.#waiting.length < WAITING_MAX) this.#waiting.push(tell);
  }
}

async function load(config: AgentConfig, deps: TracingDeps): Promise<LoadedTracing> {
  const [{ createTracing }, { createExporter }] = await Promise.all([
    import('./create.ts'),
    import('./exporters.ts'),
  ]);
  return createTracing(config, { ...deps, exporter: await createExporter(config.tracing.exporter) });
}
