// Wiring of what an agent offers beside the original's routes: streams, the CDN's address, OFREP and the webhook port.
// Each can be taken away without the others noticing.

import type { Clock, Random } from '../core/clock.ts';
import type { SdkKey } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import type { FlagClient } from './clients.ts';
import type { AgentConfig } from './config.ts';
import { datafileFileRoutes } from './http/datafile-file.ts';
import { DatafileChanges, datafileStream } from './http/datafile-stream.ts';
import { eventStream } from './http/event-stream.ts';
import { ofrepRoutes } from './http/ofrep.ts';
import { portOptions } from './http/ports.ts';
import { HttpServer, type Route } from './http/server.ts';
import { EventStreams } from './http/sse.ts';
import { type FlagDeps, withDatafile } from './http/with-datafile.ts';
import { withProfiles } from './http/with-profiles.ts';
import type { Inlets } from './inlets.ts';
import type { Metrics } from './metrics.ts';
import { NotificationHub } from './notifications/hub.ts';
import type { NoteChannel } from './sources/side-channel.ts';
import type { Held } from './store.ts';
import type { UserState } from './user-state.ts';
import { Refresher } from './webhook/refresh.ts';
import { isWebhookUsed, webhookRoutes } from './webhook/routes.ts';

export interface ProtocolDeps extends FlagDeps {
  readonly users: UserState;
  readonly clock: Clock;
  readonly random: Random;
  readonly monotonicMs: () => number;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly inlets: Inlets;
  /** To and from the other agents; null: there are none. */
  readonly channel: NoteChannel | null;
}

export class Protocols {
  /** Of the API port. */
  readonly routes: readonly Route[];
  readonly #config: AgentConfig;
  readonly #streams: EventStreams;
  readonly #hub: NotificationHub;
  readonly #changes = new DatafileChanges();
  readonly #refresher: Refresher;
  readonly #webhook: HttpServer | null;

  constructor(config: AgentConfig, deps: ProtocolDeps) {
    const { clock, random, log, store, channel } = deps;
    this.#config = config;
    this.#streams = new EventStreams({ clock, log });
    this.#hub = new NotificationHub({
      ...{ clock, random, channel },
      clientOf: (sdkKey) => store.get(sdkKey)?.built ?? null,
      onDropped: (sdkKey, count) => log.warn('notes.dropped', { sdkKey, count }),
    });
    this.#refresher = createRefresher(deps);
    this.#webhook = this.#createWebhook(deps);
    this.routes = this.#createRoutes(deps);
  }

  /** Resolves with the port of webhooks; null when nothing is configured for it. */
  async start(): Promise<number | null> {
    this.#hub.start();
    return (await this.#webhook?.listen(this.#config.host, this.#config.webhook.port)) ?? null;
  }

  accepted(held: Held<FlagClient>): void {
    this.#hub.accepted(held);
    this.#changes.accepted(held);
  }

  /** The key is not served any more. */
  forgotten(sdkKey: SdkKey): void {
    this.#hub.forget(sdkKey);
    this.#changes.forget(sdkKey);
  }

  /** Streams would otherwise keep the API port from closing. */
  endStreams(): void {
    this.#streams.stop();
  }

  async stop(): Promise<void> {
    this.#hub.stop();
    this.#refresher.stop();
    await this.#webhook?.close();
  }

  #createRoutes(deps: ProtocolDeps): readonly Route[] {
    const streams = this.#streams;
    const { profiles: services, desk, onProfileFailed: onFailed } = deps.users;
    const profiles = { profiles: services, desk, onFailed };
    const enabled = this.#config.notifications.enabled;
    const notes = eventStream({ hub: this.#hub, streams, enabled });
    const changes = datafileStream({ changes: this.#changes, streams });
    return [
      { method: 'GET', path: '/v1/notifications/event-stream', handle: withDatafile(deps, notes) },
      { method: 'GET', path: '/v1/datafile/stream', handle: withDatafile(deps, changes) },
      ...datafileFileRoutes({ ...deps, nowMs: () => deps.clock.nowMs() }),
      ...ofrepRoutes({
        ...deps,
        withProfiles: (handle, userIdOf) => withProfiles(profiles, handle, userIdOf),
      }),
    ];
  }

  #createWebhook(deps: ProtocolDeps): HttpServer | null {
    const settings = this.#config.webhook;
    if (!isWebhookUsed(settings)) return null;
    const refresh = (sdkKey: SdkKey, revision: number) => void this.#refresher.refresh(sdkKey, revision);
    return new HttpServer(
      webhookRoutes({ settings, refresh, log: deps.log }),
      portOptions(this.#config, 'webhook', deps),
    );
  }
}

function createRefresher({ clock, store, keys, inlets: { record, cdn } }: ProtocolDeps): Refresher {
  return new Refresher({
    ...{ clock, store },
    askRecord: record === null ? null : (sdkKey) => record.refresh(sdkKey),
    askCdn: (sdkKey) => cdn.watch(sdkKey),
    serves: (sdkKey) => [...keys.all()].some((key) => key.sdkKey === sdkKey),
  });
}
