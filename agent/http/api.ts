// What clients of an agent meet: the API port with the original's routes and those beside them (streams, the CDN's address,
// OFREP). Wired here; each can be taken away without the others noticing.

import type { Random } from '../../core/clock.ts';
import type { SdkKey } from '../../core/ids.ts';
import { uuid } from '../../core/uuid.ts';
import type { AgentConfig } from '../config/config.ts';
import type { NotificationChannel } from '../datafiles/sources/side-channel.ts';
import type { Held } from '../datafiles/store.ts';
import type { FlagClient } from '../decisions/flag-client.ts';
import type { UserState } from '../decisions/user-state.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { NotificationHub } from '../notifications/hub.ts';
import type { Tracing } from '../tracing/types.ts';
import type { HealthSource } from './admin/health.ts';
import { createApiPort, type Port, type PortDeps } from './door/ports.ts';
import type { Bounds } from './door/user-limits.ts';
import { type FlagDeps, withDatafile } from './door/with-datafile.ts';
import { AnswerBudget } from './kernel/answer-budget.ts';
import type { Route } from './kernel/route.ts';
import { EventStreams } from './kernel/sse.ts';
import { type EventRoom, Turns } from './kernel/turns.ts';
import { ofrepRoutes } from './ofrep/ofrep.ts';
import { datafileFile } from './project/datafile-file.ts';
import { DatafileChanges, datafileStream } from './project/datafile-stream.ts';
import { eventStream } from './rest/event-stream.ts';

export interface ServingDeps extends FlagDeps, PortDeps {
  readonly metrics: Metrics;
  readonly users: UserState;
  readonly status: HealthSource;
  readonly random: Random;
  /** To and from others that decide; null: there are none. */
  readonly channel: NotificationChannel | null;
  /** Null where there are no traces. */
  readonly tracing?: Tracing | null;
  /** Left out, there is always room for events. */
  readonly eventRoom?: EventRoom;
}

export class Api {
  readonly #config: AgentConfig;
  readonly #deps: ServingDeps;
  readonly #streams: EventStreams;
  readonly #hub: NotificationHub;
  readonly #changes = new DatafileChanges();
  readonly #port: Port;
  readonly #bounds: Bounds;

  constructor(config: AgentConfig, deps: ServingDeps) {
    const { clock, random, log, store, channel } = deps;
    this.#config = config;
    this.#deps = deps;
    this.#bounds = { limits: config.userLimits, turns: new Turns(deps.monotonicMs, deps.eventRoom) };
    this.#streams = new EventStreams({ clock, log, streamsMax: config.streamsMax });
    this.#hub = new NotificationHub({
      ...{ clock, random, channel },
      clientOf: (sdkKey) => store.get(sdkKey)?.built ?? null,
      onDropped: (sdkKey, count) => log.warn('notes.dropped', { sdkKey, count }),
    });
    const { api, batch, odp, identity } = config;
    const rest = {
      enableOverrides: api.enableOverrides,
      isOdpEnabled: !odp.disable,
      version: identity.version,
    };
    const nowMs = () => clock.nowMs();
    const newRequestId = () => uuid(random);
    const port = { ...deps, onAnswered: deps.tracing?.answered ?? null, newRequestId };
    const bounds = this.#bounds;
    const own = { turns: bounds.turns, answers: new AnswerBudget(config.answerLimits) };
    this.#port = createApiPort(
      config,
      { ...port, ...own },
      {
        ...{ ...deps, rest, bounds, batch, nowMs, newRequestId },
        protocols: this.#protocols(),
      },
    );
  }

  /** Resolves with the port when it listens. */
  async open(): Promise<number> {
    const port = await this.#port.open();
    this.#hub.start();
    return port;
  }

  accepted(held: Held<FlagClient>): void {
    this.#deps.tracing?.swapped(held);
    this.#hub.accepted(held);
    this.#changes.accepted(held);
  }

  /** The key is not served any more. */
  forgotten(sdkKey: SdkKey): void {
    this.#deps.tracing?.forgotten(sdkKey);
    this.#hub.forget(sdkKey);
    this.#changes.forget(sdkKey);
  }

  /** Stops accepting and finishes requests, within a limit. */
  async close(): Promise<void> {
    // Streams would otherwise keep the port from closing.
    this.#streams.stop();
    await this.#port.close();
    this.#hub.stop();
  }

  #protocols(): readonly Route[] {
    const deps = this.#deps;
    const streams = this.#streams;
    const { profiles: services, desk, onProfileFailed: onFailed } = deps.users;
    const profiles = { profiles: services, desk, onFailed };
    const enabled = this.#config.notifications.enabled;
    const notes = eventStream({ hub: this.#hub, streams, enabled });
    const changes = datafileStream({ changes: this.#changes, streams });
    return [
      { method: 'GET', path: '/v1/notifications/event-stream', handle: withDatafile(deps, notes) },
      { method: 'GET', path: '/v1/datafile/stream', handle: withDatafile(deps, changes) },
      {
        method: 'GET',
        path: '/datafiles/*',
        handle: datafileFile({ ...deps, nowMs: () => deps.clock.nowMs() }),
      },
      ...ofrepRoutes({
        ...deps,
        isBearerKey: this.#config.api.auth === null,
        bounds: this.#bounds,
        profiles,
      }),
    ];
  }
}
