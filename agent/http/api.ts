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
import { type HealthSource, healthHandlers } from './admin/health.ts';
import { type ApiHandlers, createApiPort, type Port, type PortDeps } from './door/ports.ts';
import { noRouteOfKey } from './door/unrouted.ts';
import type { Bounds } from './door/user-limits.ts';
import { type FlagDeps, withDatafile } from './door/with-datafile.ts';
import { AnswerBudget } from './kernel/answer-budget.ts';
import { EventStreams } from './kernel/sse.ts';
import { type EventRoom, Turns } from './kernel/turns.ts';
import { ofrepHandlers } from './ofrep/ofrep.ts';
import { datafileFile } from './project/datafile-file.ts';
import { DatafileChanges, datafileStream } from './project/datafile-stream.ts';
import { eventStream } from './rest/event-stream.ts';
import { batch, operationHandlers } from './rest/operations.ts';

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
      clock,
      random,
      channel,
      clientOf: (sdkKey) => store.get(sdkKey)?.built ?? null,
      onDropped: (sdkKey, count) => log.warn('notes.dropped', { sdkKey, count }),
    });
    const newRequestId = () => uuid(random);
    this.#port = createApiPort(
      config,
      {
        ...deps,
        newRequestId,
        unrouted: noRouteOfKey(deps),
        onAnswered: deps.tracing?.answered ?? null,
        turns: this.#bounds.turns,
        answers: new AnswerBudget(config.answerLimits),
      },
      this.#handlers(newRequestId),
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

  #handlers(newRequestId: () => string): ApiHandlers {
    const deps = this.#deps;
    const bounds = this.#bounds;
    const streams = this.#streams;
    const { api, batch: batchSettings, odp, identity, notifications } = this.#config;
    const { profiles: services, desk, onProfileFailed: onFailed } = deps.users;
    const profiles = { profiles: services, desk, onFailed };
    const nowMs = () => deps.clock.nowMs();
    const hub = this.#hub;
    return {
      operations: operationHandlers({
        ...deps,
        profiles,
        bounds,
        enableOverrides: api.enableOverrides,
        isOdpEnabled: !odp.disable,
        version: identity.version,
      }),
      beside: (operations) => ({
        ...healthHandlers(deps.status),
        'POST /v1/batch': batch({ ...deps, bounds, batch: batchSettings, nowMs, newRequestId }, operations),
        'GET /v1/notifications/event-stream': withDatafile(
          deps,
          eventStream({ hub, streams, enabled: notifications.enabled }),
        ),
        'GET /v1/datafile/stream': withDatafile(deps, datafileStream({ changes: this.#changes, streams })),
        'GET /datafiles/*': datafileFile({ ...deps, nowMs }),
        ...ofrepHandlers({ ...deps, isBearerKey: api.auth === null, bounds, profiles }),
      }),
    };
  }
}
