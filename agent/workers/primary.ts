// The primary of an agent in several processes: wires all parts that exist once (bus, S3, CDN, disk cache, events,
// admin and webhook port). The API port is the workers'.

import type { SdkKey } from '../../core/ids.ts';
import type { AgentDeps, AgentPorts, RunningAgent } from '../agent.ts';
import type { AgentConfig } from '../config/config.ts';
import { DatafileMetrics } from '../datafiles/metrics.ts';
import type { Held } from '../datafiles/store.ts';
import { Supply } from '../datafiles/supply.ts';
import { registerEventMetrics } from '../events/metrics.ts';
import { createEvents, type Events, FLUSH_TIMEOUT_MS } from '../events.ts';
import { createAdminPort, type Port } from '../http/door/ports.ts';
import { Metrics } from '../metrics/metrics.ts';
import { within } from '../services/time-limit.ts';
import { WebhookPort } from '../webhook/port.ts';
import { offerOfHeld, WorkerBroadcast } from './broadcast.ts';
import { FROZEN_AFTER_MS, FrozenWatch } from './frozen-watch.ts';
import type { LiveWorker } from './live-worker.ts';
import type { Beginning, PrimaryAnswers, WorkerNews } from './messages.ts';
import { registerWorkerMetrics } from './metrics/metrics.ts';
import { Totals } from './metrics/totals.ts';
import { workersReport } from './metrics/workers-report.ts';
import { NotificationExchange } from './notification-exchange.ts';
import type { Answers } from './peer.ts';
import { Pool } from './pool.ts';
import { SharedUsers } from './shared-users.ts';
import type { Spawn } from './spawn.ts';

/** How long a request that waits for all workers waits for one that does not answer. */
const SETTLE_TIMEOUT_MS = 500;

export class Primary implements RunningAgent {
  readonly #config: AgentConfig;
  readonly #deps: AgentDeps;
  readonly #events: Events;
  readonly #pool: Pool;
  readonly #frozenWatch: FrozenWatch;
  readonly #broadcast: WorkerBroadcast;
  readonly #supply: Supply<null>;
  readonly #users: SharedUsers;
  readonly #notes: NotificationExchange;
  readonly #totals: Totals;
  readonly #admin: Port;
  readonly #webhook: WebhookPort;

  constructor(config: AgentConfig, deps: AgentDeps, spawn: Spawn) {
    const { clock, random, log, monotonicMs, reader } = deps;
    this.#config = config;
    this.#deps = deps;
    const workers = () => this.#pool.joined();
    const report = () => {
      const { keys, store, unknown } = this.#supply;
      const isExempt = (sdkKey: SdkKey) => unknown.isExempt(sdkKey);
      return workersReport(this.#pool, keys, store, isExempt, this.#frozenWatch.frozenCount);
    };
    this.#totals = new Totals(clock, workers);
    const metrics = new Metrics();
    metrics.addProcesses(() => this.#totals.all());
    registerWorkerMetrics(metrics, report);
    const datafileMetrics = new DatafileMetrics(metrics.ofAgent);
    this.#events = createEvents(config.events, config.cacheDir, { clock, random, log });
    registerEventMetrics(metrics, () => this.#events.queue.stats());
    this.#broadcast = new WorkerBroadcast(clock, () => this.#pool);
    this.#supply = new Supply(config, {
      ...{ clock, random, monotonicMs, log, reader, builder: this.#broadcast, workers: report },
      metrics: datafileMetrics,
      onAccepted: (held) => this.#onAccepted(held),
      onForgotten: (sdkKey) => this.#onForgotten(sdkKey),
    });
    datafileMetrics.show(this.#supply);
    const { keys, store, status, inlets } = this.#supply;
    this.#users = new SharedUsers(config.userProfiles, workers, config.profileCharactersMax);
    this.#notes = new NotificationExchange(
      config.notifications.sync ? (inlets.nats?.channel ?? null) : null,
      workers,
    );
    this.#pool = this.#createPool(spawn);
    this.#frozenWatch = new FrozenWatch({
      clock,
      workers: () => this.#pool.live().filter(({ state }) => state === 'serving'),
      onFrozen: (worker) => this.#pool.replace(worker, `does not answer for ${FROZEN_AFTER_MS} ms`),
    });
    const serve = { clock, log, metrics, monotonicMs };
    const gather = () => this.#totals.gather();
    this.#admin = createAdminPort(config, serve, { status, metrics, gather, uptimeMs: monotonicMs });
    this.#webhook = new WebhookPort(config, { ...serve, keys, store, inlets, status });
  }

  /**
   * Resolves when a worker listens; the others, and datafiles, follow in the background.
   * @throws FanoutError WORKER_FAILED when the API port cannot be had
   */
  async start(): Promise<AgentPorts> {
    void this.#events.queue.start();
    const listening = this.#pool.start();
    this.#frozenWatch.start();
    this.#supply.start();
    this.#supply.startBus();
    const [apiPort, adminPort] = await Promise.all([listening, this.#admin.open()]);
    const webhookPort = await this.#webhook.open();
    return { apiPort, adminPort, webhookPort };
  }

  /** Lets the workers finish, takes over their last events, sends them; each within a limit. */
  async stop(): Promise<void> {
    this.#supply.status.draining();
    this.#frozenWatch.stop();
    await this.#webhook.close();
    await this.#pool.stop();
    await this.#supply.stop();
    await this.#events.stop(FLUSH_TIMEOUT_MS);
    // Last, so that monitoring sees the agent until it ends.
    await this.#admin.close();
  }

  #createPool(spawn: Spawn): Pool {
    const { clock, log } = this.#deps;
    return new Pool({
      ...{ spawn, clock, log, count: this.#config.workers },
      answersFor: (worker) => this.#answersFor(worker),
      newsFor: (worker) => this.#newsFor(worker),
      beginningFor: (worker) => this.#beginningFor(worker),
      profiles: () => this.#users.profiles(),
      onJoined: (worker) => {
        this.#broadcast.joined();
        this.#notes.joined(worker);
      },
      onGone: (worker) => {
        this.#broadcast.gone(worker);
        this.#notes.gone(worker);
        this.#totals.gone(worker);
      },
    });
  }

  #beginningFor({ worker }: LiveWorker): Beginning {
    const { api, streamsMax, workers } = this.#config;
    // Connections are handed out in turn, so that each may take its share.
    const share = (whole: number) => Math.ceil(whole / workers);
    const config = {
      ...this.#config,
      api: { ...api, maxConns: share(api.maxConns) },
      streamsMax: share(streamsMax),
    };
    const held = [...this.#supply.keys.all()].flatMap(({ sdkKey }) => this.#supply.store.get(sdkKey) ?? []);
    return { worker, config, overrides: this.#users.overrides(), datafiles: held.map(offerOfHeld) };
  }

  #answersFor(worker: LiveWorker): Answers<PrimaryAnswers> {
    const { keys, status } = this.#supply;
    const { queue } = this.#events;
    return {
      takeEvents: (lanes) => {
        for (const { url, head, jsons } of lanes) for (const json of jsons) queue.add(url, head, json);
        return null;
      },
      takeProfiles: (saved) => {
        this.#users.saved(saved);
        return this.#settled(this.#pool.joined());
      },
      resolve: async ({ header, client }) => {
        const found = await keys.resolve(header, client);
        if (typeof found === 'string') return found;
        // From now on it answers without asking; see `used`.
        return { sdkKey: found.sdkKey, configured: found.configured };
      },
      settle: () => this.#settle(worker),
      ready: () => status.ready(),
      report: () => status.report(),
    };
  }

  #newsFor(worker: LiveWorker): Omit<WorkerNews, 'hello'> {
    return {
      eventsLost: (count) => this.#events.lost(count),
      used: (sdkKeys) => {
        for (const sdkKey of sdkKeys) this.#supply.keys.used(sdkKey);
      },
      override: (override) => this.#users.override(override),
      resetUsers: (sdkKey) => this.#users.resetUsers(sdkKey),
      note: (note) => this.#notes.publish(worker, note),
      subscribe: (subject) => this.#notes.subscribe(worker, subject),
      unsubscribe: (subject) => this.#notes.unsubscribe(worker, subject),
    };
  }

  /** Resolves when the other workers and the bus have what this worker sent, or after the time limit. */
  #settle(by: LiveWorker): Promise<null> {
    const others = this.#pool.joined().filter((worker) => worker !== by);
    return this.#settled(others, this.#notes.settled());
  }

  /** Resolves when these workers have handled what was sent to them, or after the time limit. */
  async #settled(workers: readonly LiveWorker[], ...more: readonly Promise<unknown>[]): Promise<null> {
    const all = [...workers.map(({ peer }) => peer.ask('settle', null)), ...more];
    const limited = all.map((one) => within<unknown>(this.#deps.clock, SETTLE_TIMEOUT_MS, 'A worker', one));
    // Best effort: the caller has an answer to give either way.
    await Promise.allSettled(limited);
    return null;
  }

  #onAccepted(held: Held<null>): void {
    this.#broadcast.accepted(held);
    // Events of the former revision would wait for others that do not come.
    this.#events.queue.flush();
    this.#deps.onSwapped?.();
  }

  #onForgotten(sdkKey: SdkKey): void {
    for (const { peer, serves, offered } of this.#pool.joined()) {
      serves.delete(sdkKey);
      offered.delete(sdkKey);
      peer.tell('forget', sdkKey);
    }
  }
}
