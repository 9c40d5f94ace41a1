// How datafiles come in: sources, the gate, and which keys are followed. Generic over what is built of a datafile, so that
// it serves an agent that decides by itself as well as one whose workers do. Knows neither the SDK nor HTTP.

import type { Beat } from '../../core/bus/beat.ts';
import type { Clock, Random } from '../../core/clock.ts';
import type { SdkKey } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import { reaches } from '../../core/version.ts';
import type { AgentConfig } from '../config/config.ts';
import { keyPattern } from '../config/key-pattern.ts';
import type { WorkersReport } from '../workers/metrics/report.ts';
import { type AgentSources, createAgentSources, type Wires } from './agent-sources.ts';
import { Follower } from './follow.ts';
import { Behind } from './health/behind.ts';
import { BusHealth, type BusReason } from './health/bus-health.ts';
import { createStatus, type Status } from './health/status.ts';
import { Intake } from './intake.ts';
import { Keys } from './keys/keys.ts';
import { UnknownKeys } from './keys/unknown.ts';
import { LastGood } from './last-good.ts';
import type { DatafileMetrics } from './metrics.ts';
import { Quarantine } from './quarantine.ts';
import { Signatures } from './signatures.ts';
import type { BusEvents } from './sources/bus.ts';
import type { CdnAnswer } from './sources/cdn.ts';
import type { RecordReader } from './sources/record.ts';
import { type Builder, type Held, Store } from './store.ts';

export interface SupplyDeps<B> {
  readonly clock: Clock;
  readonly random: Random;
  /** Never goes back; for durations, in milliseconds. */
  readonly monotonicMs: () => number;
  readonly log: Log;
  readonly metrics: DatafileMetrics;
  readonly builder: Builder<B>;
  /** Instead of the S3 that the settings name. */
  readonly reader?: RecordReader | undefined;
  readonly wires?: Wires | undefined;
  /** Told of every datafile that begins to serve. */
  readonly onAccepted: (held: Held<B>) => void;
  /** Told of a key that is not served any more. */
  readonly onForgotten: (sdkKey: SdkKey) => void;
  /** Where others serve: how they are. */
  readonly workers?: () => WorkersReport;
}

export class Supply<B> {
  readonly keys: Keys;
  readonly store: Store<B>;
  readonly status: Status;
  readonly inlets: AgentSources;
  readonly #config: AgentConfig;
  readonly #deps: SupplyDeps<B>;
  readonly #health: BusHealth;
  readonly #behind = new Behind();
  readonly #follower: Follower;
  readonly #signatures: Signatures;
  readonly quarantine: Quarantine;
  readonly unknown: UnknownKeys;
  readonly #lastGood: LastGood;
  /** Since when nothing can be saved; null while it can. */
  #cacheFailedAtMs: number | null = null;

  constructor(config: AgentConfig, deps: SupplyDeps<B>) {
    const { clock, random, log, metrics, monotonicMs, reader, wires, builder, workers } = deps;
    const nowMs = () => clock.nowMs();
    this.#config = config;
    this.#deps = deps;
    this.#signatures = new Signatures(config.signing);
    this.store = new Store({
      builder,
      clock,
      signatures: this.#signatures,
      onAccepted: (held) => this.#onAccepted(held),
    });
    this.#health = new BusHealth({
      clock,
      onChange: (available, reason) => this.#onBusChange(available, reason),
      onBehind: (sdkKey) => void this.inlets.nats?.watch(sdkKey),
    });
    const sink = new Intake({
      store: this.store,
      metrics,
      log,
      nowMs,
      monotonicMs,
      askRecord: (sdkKey) => void this.inlets.record?.refresh(sdkKey),
      onJudged: (candidate, outcome) => {
        for (const part of [this.quarantine, this.#lastGood]) part.judged(candidate, outcome);
        this.#signatures.judged(candidate, outcome, nowMs());
      },
      onFailed: (source, sdkKey) => source === 'cdn' && this.#lookedFor(sdkKey),
    });
    const heldOf = (sdkKey: SdkKey) => this.store.get(sdkKey);
    this.#lastGood = new LastGood({ log, nowMs, heldOf });
    this.quarantine = new Quarantine({
      clock,
      random,
      log,
      heldOf,
      serves: (sdkKey) => this.keys.serves(sdkKey),
      channel: () => this.inlets.nats?.channel ?? null,
    });
    this.inlets = createAgentSources(config, {
      clock,
      random,
      sink,
      reader,
      wires,
      busEvents: this.#busEvents(),
      recordIntervalMs: (sdkKey) => this.#recordIntervalMs(sdkKey),
      onRecordLook: (look, sdkKey) => {
        metrics.recordLooked(look);
        this.#lookedFor(sdkKey);
      },
      tokenOf: (sdkKey) => this.keys.tokenOf(sdkKey),
      onSaved: (worked) => {
        this.#cacheFailedAtMs = worked ? null : (this.#cacheFailedAtMs ?? nowMs());
      },
    });
    this.#follower = new Follower({ store: this.store, clock, sources: this.inlets });
    const existenceOf = (sdkKey: SdkKey) => this.#follower.existenceOf(sdkKey);
    this.unknown = new UnknownKeys({ log, nowMs, existenceOf });
    this.keys = this.#createKeys(nowMs);
    this.status = createStatus({
      keys: this.keys,
      store: this.store,
      health: this.#health,
      nowMs,
      lookEveryMs: (sdkKey) => this.#lookEveryMs(sdkKey),
      quarantined: (sdkKey) => this.quarantine.of(sdkKey),
      unknown: this.unknown,
      lastGood: this.#lastGood,
      cacheFailedAtMs: () => this.#cacheFailedAtMs,
      busConfigured: this.inlets.nats !== null,
      busCause: () => this.inlets.nats?.cause?.says ?? null,
      recordConfigured: this.inlets.record !== null,
      signatures: () => this.#signatures.report(),
      ...(workers === undefined ? {} : { workers }),
    });
  }

  get busAvailable(): boolean {
    return this.#health.available;
  }

  /** Begins to look for the configured keys' datafiles, those on disk first. */
  start(): void {
    const signatures = this.#signatures.report();
    if (signatures !== null) {
      const { mode, keyIds } = signatures;
      const cdn =
        mode === 'required' ? 'asked which keys exist: what it serves carries no signature' : 'asked last';
      this.#deps.log.info('signatures.checked', { mode, keyIds, cdn });
    }
    this.keys.start();
  }

  /** Opens the link to the bus: after the ports, whose clients are served from disk meanwhile. */
  startBus(): void {
    this.inlets.nats?.start();
  }

  /** Ends all sources; what serves goes on serving. */
  async stop(): Promise<void> {
    const { disk, nats, record, cdn } = this.inlets;
    this.#health.stop();
    this.quarantine.stop();
    await Promise.all([nats?.stop(), record?.stop(), cdn.stop(), disk?.stop()]);
  }

  /** Lets go of all that is served. */
  forgetAll(): void {
    for (const { sdkKey } of [...this.keys.all()]) this.store.forget(sdkKey);
  }

  #createKeys(nowMs: () => number): Keys {
    const { keys, keysOnDemandMax, keysOnDemandBytesMax, sdkKeyRegex } = this.#config;
    return new Keys({
      configured: keys,
      onDemandMax: keysOnDemandMax,
      onDemandBytesMax: keysOnDemandBytesMax,
      bytesOf: (sdkKey) => this.store.get(sdkKey)?.body.byteLength ?? 0,
      pattern: sdkKeyRegex === null ? null : keyPattern(sdkKeyRegex),
      nowMs,
      follow: (sdkKey, vouched) => this.#follow(sdkKey, vouched),
      unfollow: (sdkKey) => this.#unfollow(sdkKey),
      vouch: (sdkKey, token) => this.#follower.vouch(sdkKey, token),
      refusal: (sdkKey) => this.#follower.refusal(sdkKey),
    });
  }

  async #follow(sdkKey: SdkKey, vouched: CdnAnswer | null): Promise<void> {
    this.#health.watch(sdkKey);
    await this.#follower.follow(sdkKey, vouched);
  }

  #unfollow(sdkKey: SdkKey): void {
    this.#health.unwatch(sdkKey);
    this.#follower.unfollow(sdkKey);
    for (const part of [this.quarantine, this.#lastGood]) part.forget(sdkKey);
    this.#signatures.forgetRefused(sdkKey);
    this.#deps.onForgotten(sdkKey);
  }

  #onAccepted(held: Held<B>): void {
    const { disk, record } = this.inlets;
    this.unknown.found(held.sdkKey);
    this.#deps.onAccepted(held);
    if (held.source !== 'disk') disk?.save(held);
    this.#follower.accepted(held.sdkKey, held);
    record?.reschedule();
    this.keys.accepted(held.sdkKey);
  }

  #onBusChange(available: boolean, reason: BusReason | null): void {
    const { log } = this.#deps;
    if (available) log.info('bus.available');
    else log.warn('bus.unavailable', { reason, cause: this.inlets.nats?.cause?.says });
    this.inlets.record?.reschedule();
  }

  #busEvents(): BusEvents {
    return {
      connected: () => {
        this.#deps.metrics.busConnected();
        this.#health.connected();
        void this.inlets.record?.refreshAll();
      },
      disconnected: () => this.#health.disconnected(),
      pingsUnanswered: () => this.#health.pingsUnanswered(),
      caughtUp: () => this.#health.caughtUp(),
      head: (sdkKey, head) => {
        if (this.#signatures.trusts({ ...head, sdkKey })) this.#health.head(sdkKey, head);
      },
      beat: (beat) => this.#onBeat(beat),
    };
  }

  #onBeat(beat: Beat): void {
    this.#health.beat(beat);
    this.quarantine.beat(beat);
    for (const lag of this.#behind.beat(beat, (sdkKey) => this.store.get(sdkKey)))
      this.#deps.log.warn('agent.behind', { ...lag });
    for (const [sdkKey, head] of beat.heads) {
      const held = this.store.get(sdkKey);
      if (held === null) continue;
      this.store.confirm(sdkKey, head);
      // Behind, also where the bus is not to blame (a body that could not be loaded).
      if (!reaches(held, head)) void this.inlets.record?.refresh(sdkKey);
    }
  }

  /** True when it is a configured key that neither record nor CDN has. */
  #lookedFor(sdkKey: SdkKey): boolean {
    return this.keys.isConfigured(sdkKey) && this.unknown.looked(sdkKey);
  }

  /** Fast while the bus cannot be trusted, and while a key is not served from the record yet, but may be there. */
  #recordIntervalMs(sdkKey: SdkKey): number {
    const { s3CheckIntervalMs, s3PollIntervalMs } = this.#config;
    const fromRecord = (this.store.get(sdkKey)?.seq ?? 0) > 0;
    const isPatient = fromRecord || this.unknown.of(sdkKey) !== null;
    return this.#health.available && isPatient ? s3CheckIntervalMs : s3PollIntervalMs;
  }

  #lookEveryMs(sdkKey: SdkKey): number {
    const fromRecord = (this.store.get(sdkKey)?.seq ?? 0) > 0;
    return fromRecord ? this.#recordIntervalMs(sdkKey) : this.#config.cdnPollIntervalMs;
  }
}
