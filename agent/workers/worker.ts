// A worker: serves the API port from its own store, with data from the primary only. All wiring. Knows neither bus
// nor S3, CDN or disk; ends when the primary does.

import type { Clock, Random } from '../../core/clock.ts';
import type { SdkKey } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import type { AgentConfig } from '../config/config.ts';
import { Signatures } from '../datafiles/signatures.ts';
import { type Held, Store } from '../datafiles/store.ts';
import { Decisions } from '../decisions/decisions.ts';
import type { FlagClient } from '../decisions/flag-client.ts';
import { Api } from '../http/api.ts';
import { Metrics } from '../metrics/metrics.ts';
import { registerTraceMetrics } from '../tracing/metrics.ts';
import type { Tracing } from '../tracing/types.ts';
import { refusalOf } from './broadcast.ts';
import type { Beginning, DatafileOffer, OfferAnswer, PrimaryNews, PrimaryPeer } from './messages.ts';
import { WorkerOutbox } from './outbox.ts';
import { RelayedNotifications } from './relayed-notifications.ts';
import { RemoteKeys } from './remote-keys.ts';

export interface WorkerDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly monotonicMs: () => number;
  readonly log: Log;
  readonly primary: PrimaryPeer;
  /** Stopped with the worker; null where there are no traces. */
  readonly tracing?: Tracing | null;
  /** Told of every datafile that begins to serve. */
  readonly onSwapped: () => void;
}

export class ServingWorker implements PrimaryNews {
  readonly #primary: PrimaryPeer;
  readonly #onSwapped: () => void;
  readonly #outbox: WorkerOutbox;
  readonly #metrics: Metrics;
  readonly #tracing: Tracing | null;
  readonly #decisions: Decisions;
  readonly #store: Store<FlagClient>;
  readonly #keys: RemoteKeys;
  readonly #notes: RelayedNotifications;
  readonly #api: Api;
  readonly #watched = new Set<SdkKey>();

  constructor(config: AgentConfig, deps: WorkerDeps) {
    const { clock, random, monotonicMs, log, primary, onSwapped, tracing = null } = deps;
    this.#primary = primary;
    this.#tracing = tracing;
    this.#metrics = new Metrics();
    if (tracing !== null) registerTraceMetrics(this.#metrics, tracing.stats);
    this.#onSwapped = onSwapped;
    const metrics = this.#metrics;
    this.#outbox = new WorkerOutbox(clock, primary);
    const sharing = {
      onOverride: primary.tell.bind(primary, 'override'),
      onProfile: (saved: Parameters<WorkerOutbox['saved']>[0]) => this.#outbox.saved(saved),
      onReset: (sdkKey: SdkKey) => this.#outbox.resetUsers(sdkKey),
      settled: () => this.#settled(),
    };
    this.#decisions = new Decisions(config, { clock, random, log, metrics, events: this.#outbox, sharing });
    const builder = this.#decisions.clients;
    this.#store = new Store({
      ...{ builder, clock, signatures: new Signatures(config.signing) },
      onAccepted: (held) => this.#onAccepted(held),
    });
    const store = this.#store;
    this.#keys = new RemoteKeys({ primary, clock, serves: (sdkKey) => store.get(sdkKey) !== null });
    this.#notes = new RelayedNotifications(primary, () => this.#settled());
    // Of the whole agent, which only the primary knows.
    const status = {
      ready: () => primary.ask('ready', null),
      report: () => primary.ask('report', null),
    };
    this.#api = new Api(config, {
      ...{ clock, random, monotonicMs, log, metrics, store, status },
      ...{ keys: this.#keys, users: this.#decisions.users, channel: this.#notes, eventRoom: this.#outbox },
      tracing,
    });
  }

  /** Takes over the whole state; resolves with the keys that this worker serves. */
  async begin({ overrides, datafiles }: Beginning): Promise<readonly SdkKey[]> {
    for (const override of overrides) this.override(override);
    const answers = await Promise.all(datafiles.map((datafile) => this.offer(datafile)));
    return datafiles.flatMap(({ sdkKey }, i) => (answers[i]?.kind === 'serves' ? sdkKey : []));
  }

  listen(): Promise<number> {
    return this.#api.open();
  }

  async offer({ body, ...meta }: DatafileOffer): Promise<OfferAnswer> {
    const { sdkKey } = meta;
    this.#store.watch(sdkKey);
    this.#watched.add(sdkKey);
    const outcome = await this.#store.offer({ ...meta, load: async () => body });
    const held = this.#store.get(sdkKey);
    const same = outcome.kind === 'ignored' && outcome.reason === 'same';
    if ((outcome.kind === 'accepted' || same) && held !== null) {
      const { revision, projectId, leftOut = [] } = held;
      return { kind: 'serves', revision, projectId, leftOut };
    }
    if (outcome.kind === 'rejected')
      return { kind: 'refused', refusal: refusalOf(outcome.code, outcome.error) };
    const reason = outcome.kind === 'ignored' ? outcome.reason : 'unwatched';
    if (reason !== 'judged') return { kind: 'passed', reason };
    return { kind: 'refused', refusal: refusalOf('DATAFILE_UNLOADABLE', new Error('It was refused before')) };
  }

  counts() {
    return this.#metrics.counts();
  }

  async stop(): Promise<null> {
    await this.#api.close();
    this.#keys.stop();
    await this.#decisions.stop();
    for (const sdkKey of this.#watched) this.#store.forget(sdkKey);
    await this.#decisions.closed();
    await this.#outbox.drained();
    await this.#tracing?.stop();
    return null;
  }

  forget(sdkKey: SdkKey): void {
    this.#keys.forget(sdkKey);
    this.#watched.delete(sdkKey);
    this.#store.forget(sdkKey);
    this.#api.forgotten(sdkKey);
  }

  override(override: Parameters<PrimaryNews['override']>[0]): void {
    const client = this.#store.get(override.sdkKey)?.built ?? null;
    this.#decisions.users.overrides.accept(override, client);
  }

  profiles(saved: Parameters<PrimaryNews['profiles']>[0]): void {
    for (const one of saved) this.#decisions.users.profiles.accept(one);
  }

  resetUsers(sdkKey: SdkKey): void {
    this.#decisions.users.forgotten(sdkKey, this.#store.get(sdkKey)?.built ?? null);
  }

  note(note: Parameters<PrimaryNews['note']>[0]): void {
    this.#notes.heard(note);
  }

  linkUp(): void {
    this.#notes.linkUp();
  }

  #onAccepted(held: Held<FlagClient>): void {
    this.#decisions.serves(held);
    this.#keys.accepted(held.sdkKey);
    this.#api.accepted(held);
    this.#onSwapped();
  }

  /** Resolves when the other workers have what this one sent. */
  async #settled(): Promise<void> {
    await this.#outbox.profilesTaken();
    // Without the primary there are no other workers.
    await this.#primary.ask('settle', null).catch(() => {});
  }
}
