// What decides: Optimizely clients and all that their decisions lean on, users' overrides and profiles and the services
// outside. Knows neither where datafiles come from nor HTTP.

import { type Clock, type Random, withinMs } from '../../core/clock.ts';
import { leftOutFields } from '../../core/datafile/left-out.ts';
import { errorFields } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { AgentConfig } from '../config/config.ts';
import type { Held } from '../datafiles/store.ts';
import type { EventSink } from '../events/event.ts';
import { createSender } from '../events/from-engine.ts';
import { createSdkDispatcher } from '../events/from-sdk.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { createOutside, type Outside } from '../services/services.ts';
import { FlagClients } from './clients.ts';
import type { FlagClient } from './flag-client.ts';
import { countChecks } from './metrics.ts';
import { CrossCheck } from './trial/cross-check.ts';
import { IdleWork } from './trial/idle-work.ts';
import { createUserState, type UserSharing, type UserState } from './user-state.ts';

/** How long the last requests to services outside, and clients that close, may take. */
const FLUSH_TIMEOUT_MS = 5_000;

export interface DecisionsDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'serviceFailed' | 'ofProcess'>;
  readonly events: EventSink;
  /** Where other processes serve the same users. */
  readonly sharing?: UserSharing;
}

export class Decisions {
  readonly users: UserState;
  readonly clients: FlagClients;
  readonly #outside: Outside;
  readonly #clock: Clock;
  readonly #idle: IdleWork;

  constructor(config: AgentConfig, deps: DecisionsDeps) {
    const { clock, random, log, metrics, events, sharing } = deps;
    this.#clock = clock;
    this.#idle = new IdleWork(clock);
    this.#outside = createOutside(config, {
      ...{ clock, random, log },
      onFailure: (trouble) => metrics.serviceFailed(trouble),
    });
    this.users = createUserState({ config, outside: this.#outside, ...(sharing ? { sharing } : {}) });
    this.clients = new FlagClients({
      ...{ version: config.identity.version, profiles: this.users.desk, outside: this.#outside },
      dispatcher: createSdkDispatcher(events),
      send: createSender(events, { nowMs: () => clock.nowMs(), random }),
      onMistrusted: (sdkKey, flagKey) => log.error('engine.mistrusted', { sdkKey, flagKey }),
      onCloseFailed: (error) => log.warn('events.failed', errorFields(error)),
      later: {
        idle: this.#idle,
        crossCheck: this.#crossCheck(deps),
        onSetAside: (sdkKey, part) => log.warn('datafile.left-out', { sdkKey, ...leftOutFields([part]) }),
        onFailed: (sdkKey, error) => log.error('sdk.failed', { sdkKey, ...errorFields(error) }),
      },
    });
  }

  /** A client begins to serve: it is given what its key's users are to keep. */
  serves(held: Held<FlagClient>): void {
    this.users.serves(held);
  }

  /** After the last request: sends what is left for services outside. */
  async stop(): Promise<void> {
    this.#idle.stop();
    await this.users.stop();
    await this.#outside.stop(FLUSH_TIMEOUT_MS);
  }

  /** Resolves when every retired client has closed, or not within its time. */
  async closed(): Promise<void> {
    await withinMs(this.#clock, FLUSH_TIMEOUT_MS, this.clients.closed(), () => {});
  }

  #crossCheck({ random, log, metrics }: DecisionsDeps): CrossCheck {
    const { desk } = this.users;
    const checks = countChecks(metrics.ofProcess);
    return new CrossCheck({
      ...{ idle: this.#idle, random },
      ...(desk === null ? {} : { serve: (session, decide) => desk.serve(session, decide) }),
      onChecked: (isSame) => checks.inc({ result: isSame ? 'same' : 'different' }),
      onFailed: (error) => log.error('sdk.failed', errorFields(error)),
    });
  }
}
