// Starts traces. All of OpenTelemetry is behind the one import() here, so that an agent without traces neither loads it nor pays
// for it.

import { errorFields } from '../../core/errors.ts';
import type { SdkKey } from '../../core/ids.ts';
import type { AgentConfig } from '../config/config.ts';
import type { OnAnswered } from '../http/kernel/route.ts';
import type { LoadedTracing, Swapped, TraceStats, Tracing, TracingDeps } from './types.ts';

/** What may be told while OpenTelemetry loads, which takes a moment at start. */
const WAITING_MAX = 1_000;
const NOTHING_YET: TraceStats = { sent: 0, failed: 0, dropped: 0 };

/** Null where traces are off. For any process that answers requests; each has its own. It loads while the agent starts. */
export const startTracing = (config: AgentConfig, deps: TracingDeps): Tracing | null =>
  config.tracing.enabled ? new LateTracing(config, deps) : null;

/** Keeps spans until OpenTelemetry is loaded. */
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
