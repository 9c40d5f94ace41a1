// One agent in one process: all wiring, and nothing else. Bootable in a test on port 0, with its clock, randomness and S3
// handed in.

import type { Clock, Random } from '../core/clock.ts';
import type { SdkKey } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import type { AgentConfig } from './config/config.ts';
import type { Status } from './datafiles/health/status.ts';
import { DatafileMetrics } from './datafiles/metrics.ts';
import type { RecordReader } from './datafiles/sources/record.ts';
import type { Held } from './datafiles/store.ts';
import { Supply } from './datafiles/supply.ts';
import { Decisions } from './decisions/decisions.ts';
import type { FlagClient } from './decisions/flag-client.ts';
import { registerEventMetrics } from './events/metrics.ts';
import { createEvents, type Events, FLUSH_TIMEOUT_MS } from './events.ts';
import { Api } from './http/api.ts';
import { createAdminPort, type Port } from './http/door/ports.ts';
import { Metrics } from './metrics/metrics.ts';
import { registerTraceMetrics } from './tracing/metrics.ts';
import type { Tracing } from './tracing/types.ts';
import { WebhookPort } from './webhook/port.ts';

export interface AgentDeps {
  readonly clock: Clock;
  readonly random: Random;
  /** Never goes back; for durations, in milliseconds. */
  readonly monotonicMs: () => number;
  readonly log: Log;
  /** Instead of the S3 that the settings name. */
  readonly reader?: RecordReader;
  /** Stopped with the agent; null where there are no traces. */
  readonly tracing?: Tracing | null;
  /** Told of every datafile that begins to serve. */
  readonly onSwapped?: () => void;
}

export interface AgentPorts {
  readonly apiPort: number;
  readonly adminPort: number;
  readonly webhookPort: number;
}

/** What can be started and stopped: an agent in one process, or in several. */
export interface RunningAgent {
  start(): Promise<AgentPorts>;
  stop(): Promise<void>;
}

/** @throws nothing: what is wrong with the settings was said by parseConfig() */
export const createAgent = (config: AgentConfig, deps: AgentDeps): Agent => new Agent(config, deps);

export class Agent implements RunningAgent {
  readonly status: Status;
  readonly #deps: AgentDeps;
  readonly #events: Events;
  readonly #decisions: Decisions;
  readonly #supply: Supply<FlagClient>;
  readonly #api: Api;
  readonly #admin: Port;
  readonly #webhook: WebhookPort;

  constructor(config: AgentConfig, deps: AgentDeps) {
    const { clock, random, log, monotonicMs, reader, tracing = null } = deps;
    this.#deps = deps;
    const metrics = new Metrics();
    const datafileMetrics = new DatafileMetrics(metrics.ofAgent);
    this.#events = createEvents(config.events, config.cacheDir, { clock, random, log });
    registerEventMetrics(metrics, () => this.#events.queue.stats());
    if (tracing !== null) registerTraceMetrics(metrics, tracing.stats);
    this.#decisions = new Decisions(config, { clock, random, log, metrics, events: this.#events.queue });
    this.#supply = new Supply(config, {
      ...{ clock, random, monotonicMs, log, reader },
      metrics: datafileMetrics,
      builder: this.#decisions.clients,
      onAccepted: (held) => this.#onAccepted(held),
      onForgotten: (sdkKey: SdkKey) => this.#api.forgotten(sdkKey),
    });
    datafileMetrics.show(this.#supply);
    const { keys, store, status, inlets } = this.#supply;
    this.status = status;
    const serve = { clock, log, metrics, monotonicMs };
    this.#api = new Api(config, {
      ...{ ...serve, random, keys, store, status, users: this.#decisions.users },
      channel: config.notifications.sync ? (inlets.nats?.channel ?? null) : null,
      tracing,
    });
    this.#admin = createAdminPort(config, serve, { status, metrics, uptimeMs: monotonicMs });
    this.#webhook = new WebhookPort(config, { ...serve, keys, store, inlets, status });
  }

  /** Resolves when it listens; datafiles are found in the background, those on disk first. */
  async start(): Promise<AgentPorts> {
    void this.#events.queue.start();
    this.#supply.start();
    const [apiPort, adminPort] = await Promise.all([this.#api.open(), this.#admin.open()]);
    this.#supply.startBus();
    const webhookPort = await this.#webhook.open();
    return { apiPort, adminPort, webhookPort };
  }

  /** Stops accepting, finishes requests, sends events, closes sources; each within a limit. */
  async stop(): Promise<void> {
    this.status.draining();
    await this.#api.close();
    await this.#webhook.close();
    await this.#supply.stop();
    await this.#decisions.stop();
    this.#supply.forgetAll();
    await this.#decisions.closed();
    await this.#events.stop(FLUSH_TIMEOUT_MS);
    await this.#deps.tracing?.stop();
    // Last, so that monitoring sees the agent until it ends.
    await this.#admin.close();
  }

  #onAccepted(held: Held<FlagClient>): void {
    this.#decisions.serves(held);
    this.#api.accepted(held);
    // Events of the former revision would wait for others that do not come.
    this.#events.queue.flush();
    this.#deps.onSwapped?.();
  }
}
