// One agent: all wiring, and nothing else. Bootable in a test on port 0, with its clock, randomness and S3 handed in.

import type { Beat } from '../core/beat.ts';
import type { Clock, Random } from '../core/clock.ts';
import { errorFields } from '../core/errors.ts';
import type { SdkKey } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import { BusHealth, type BusReason } from './bus-health.ts';
import { type FlagClient, FlagClients } from './clients.ts';
import type { AgentConfig } from './config.ts';
import { createSdkDispatcher } from './events/from-sdk.ts';
import { createEvents, type Events } from './events.ts';
import { Follower } from './follow.ts';
import { Ports } from './http/ports.ts';
import { createInlets, type Inlets } from './inlets.ts';
import { Intake } from './intake.ts';
import { Keys } from './keys.ts';
import { Metrics } from './metrics.ts';
import { createOutside, type Outside } from './outside.ts';
import { Protocols } from './protocols.ts';
import type { BusEvents } from './sources/bus.ts';
import type { RecordReader } from './sources/record.ts';
import { createStatus, type Status } from './status.ts';
import { type Held, Store } from './store.ts';
import { createUserState, type UserState } from './user-state.ts';

/** How long the last events may take to be sent. */
const FLUSH_TIMEOUT_MS = 5_000;

export interface AgentDeps {
  readonly clock: Clock;
  readonly random: Random;
  /** Never goes back; for durations, in milliseconds. */
  readonly monotonicMs: () => number;
  readonly log: Log;
  /** Instead of the S3 that the settings name. */
  readonly reader?: RecordReader;
  /** Told of every datafile that begins to serve. */
  readonly onSwapped?: () => void;
}

export interface AgentPorts {
  readonly apiPort: number;
  readonly adminPort: number;
  /** Null when nothing is configured for webhooks. */
  readonly webhookPort: number | null;
}

/** @throws nothing: what is wrong with the settings was said by parseConfig() */
export const createAgent = (config: AgentConfig, deps: AgentDeps): Agent => new Agent(config, deps);

export class Agent {
  readonly status: Status;
  readonly #config: AgentConfig;
  readonly #deps: AgentDeps;
  readonly #metrics: Metrics;
  readonly #outside: Outside;
  readonly #users: UserState;
  readonly #clients: FlagClients;
  readonly #events: Events;
  readonly #store: Store<FlagClient>;
  readonly #health: BusHealth;
  readonly #inlets: Inlets;
  readonly #follower: Follower;
  readonly #keys: Keys;
  readonly #protocols: Protocols;
  readonly #ports: Ports;

  constructor(config: AgentConfig, deps: AgentDeps) {
    const { clock, random, log, monotonicMs, reader } = deps;
    const nowMs = () => clock.nowMs();
    this.#config = config;
    this.#deps = deps;
    this.#metrics = new Metrics({
      datafiles: () => this.status.samples(),
      busAvailable: () => this.#health.available,
      events: () => this.#events.queue.stats(),
    });
    this.#events = createEvents(config.events, config.cacheDir, { clock, random, log });
    this.#outside = createOutside(config, {
      ...{ clock, random, log },
      onTrouble: (trouble) => this.#metrics.serviceFailed(trouble),
    });
    this.#users = createUserState({ config, outside: this.#outside });
    this.#clients = new FlagClients({
      ...{ profiles: this.#users.desk, outside: this.#outside },
      dispatcher: createSdkDispatcher(this.#events.queue),
      onCloseFailed: (error) => log.warn('events.failed', errorFields(error)),
    });
    this.#store = new Store({
      builder: this.#clients,
      clock,
      onAccepted: (held) => this.#onAccepted(held),
    });
    this.#health = new BusHealth({
      clock,
      onChange: (available, reason) => this.#onBusChange(available, reason),
      onBehind: (sdkKey) => void this.#inlets.nats?.watch(sdkKey),
    });
    const sink = new Intake({
      ...{ store: this.#store, metrics: this.#metrics, log, nowMs, monotonicMs },
      askRecord: (sdkKey) => void this.#inlets.record?.refresh(sdkKey),
    });
    this.#inlets = createInlets(config, {
      ...{ clock, random, sink, reader },
      busEvents: this.#busEvents(),
      recordIntervalMs: (sdkKey) => this.#recordIntervalMs(sdkKey),
      onRecordLook: (look) => this.#metrics.recordLooked(look),
      tokenOf: (sdkKey) => this.#keys.tokenOf(sdkKey),
    });
    this.#follower = new Follower({ store: this.#store, clock, sources: this.#inlets });
    this.#keys = new Keys({
      configured: config.keys,
      onDemandMax: config.keysOnDemandMax,
      pattern: config.sdkKeyPattern,
      nowMs,
      follow: (sdkKey) => this.#follow(sdkKey),
      unfollow: (sdkKey) => this.#unfollow(sdkKey),
      vouch: (sdkKey, token) => this.#follower.vouch(sdkKey, token),
      refusal: (sdkKey) => this.#follower.refusal(sdkKey),
    });
    const { nats, record } = this.#inlets;
    this.status = createStatus({
      ...{ keys: this.#keys, store: this.#store, health: this.#health, nowMs },
      busConfigured: nats !== null,
      recordConfigured: record !== null,
    });
    const serve = { log, metrics: this.#metrics, monotonicMs, clock };
    const { api, batch, odp, identity } = config;
    const rest = {
      enableOverrides: api.enableOverrides,
      isOdpEnabled: !odp.disable,
      version: identity.version,
    };
    const routes = { keys: this.#keys, store: this.#store, status: this.status, metrics: this.#metrics };
    this.#protocols = new Protocols(config, {
      ...{ ...routes, users: this.#users, clock, random, monotonicMs, log, inlets: this.#inlets },
      channel: config.notifications.sync ? (nats?.channel ?? null) : null,
    });
    const protocols = this.#protocols.routes;
    const apiDeps = { ...routes, users: this.#users, rest, batch, nowMs, log, protocols };
    this.#ports = new Ports(config, serve, apiDeps);
  }

  /** Resolves when it listens; datafiles are found in the background, those on disk first. */
  async start(): Promise<AgentPorts> {
    void this.#events.queue.start();
    this.#keys.start();
    const ports = await this.#ports.open();
    this.#inlets.nats?.start();
    const webhookPort = await this.#protocols.start();
    return { ...ports, webhookPort };
  }

  /** Stops accepting, finishes requests, sends events, closes sources; each within a limit. */
  async stop(): Promise<void> {
    const { disk, nats, record, cdn } = this.#inlets;
    this.status.draining();
    this.#protocols.endStreams();
    await this.#ports.closeApi();
    await this.#protocols.stop();
    this.#health.stop();
    await Promise.all([nats?.stop(), record?.stop(), cdn.stop(), disk?.stop()]);
    await this.#users.stop();
    await this.#outside.stop(FLUSH_TIMEOUT_MS);
    for (const { sdkKey } of [...this.#keys.all()]) this.#store.forget(sdkKey);
    await this.#within(FLUSH_TIMEOUT_MS, this.#clients.closed());
    await this.#events.stop(FLUSH_TIMEOUT_MS);
    await this.#ports.closeAdmin();
  }

  async #follow(sdkKey: SdkKey): Promise<void> {
    this.#health.watch(sdkKey);
    await this.#follower.follow(sdkKey);
  }

  #unfollow(sdkKey: SdkKey): void {
    this.#health.unwatch(sdkKey);
    this.#follower.unfollow(sdkKey);
    this.#protocols.forgotten(sdkKey);
  }

  #onAccepted(held: Held<FlagClient>): void {
    this.#users.serves(held);
    const { disk, record } = this.#inlets;
    if (held.source !== 'disk') disk?.save(held);
    this.#follower.accepted(held.sdkKey, held.seq);
    this.#protocols.accepted(held);
    record?.reschedule();
    // Those of the revision before would wait for company that does not come.
    this.#events.queue.flush();
    this.#deps.onSwapped?.();
  }

  #onBusChange(available: boolean, reason: BusReason | null): void {
    const { log } = this.#deps;
    if (available) log.info('bus.available');
    else log.warn('bus.unavailable', { reason });
    this.#inlets.record?.reschedule();
  }

  #busEvents(): BusEvents {
    return {
      connected: () => {
        this.#metrics.busConnected();
        this.#health.connected();
        void this.#inlets.record?.refreshAll();
      },
      disconnected: () => this.#health.disconnected(),
      pingsUnanswered: () => this.#health.pingsUnanswered(),
      caughtUp: () => this.#health.caughtUp(),
      head: (sdkKey, version) => this.#health.head(sdkKey, version),
      beat: (beat) => this.#onBeat(beat),
    };
  }

  #onBeat(beat: Beat): void {
    this.#health.beat(beat);
    for (const [sdkKey, head] of beat.heads) {
      const held = this.#store.get(sdkKey);
      if (held === null) continue;
      this.#store.confirm(sdkKey, head);
      // Behind for whatever reason, also one that the bus is not to blame for (a body that could not be loaded).
      if (held.lineage !== head.lineage || held.seq < head.seq) void this.#inlets.record?.refresh(sdkKey);
    }
  }

  /** Fast while the bus cannot be trusted, and while a key is not served from the record yet. */
  #recordIntervalMs(sdkKey: SdkKey): number {
    const { s3CheckIntervalMs, s3PollIntervalMs } = this.#config;
    const fromRecord = (this.#store.get(sdkKey)?.seq ?? 0) > 0;
    return this.#health.available && fromRecord ? s3CheckIntervalMs : s3PollIntervalMs;
  }

  async #within(timeoutMs: number, done: Promise<void>): Promise<void> {
    let cancel = () => {};
    const timeout = new Promise<void>((resolve) => {
      const timer = this.#deps.clock.after(timeoutMs, resolve);
      cancel = () => timer.cancel();
    });
    await Promise.race([done, timeout]);
    cancel();
  }
}
