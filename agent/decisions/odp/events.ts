// Events for the Data Platform: gathered for a moment, sent in batches and in order, tried again while the platform is
// away. Held in memory within a limit; what is dropped is counted.

import { type Clock, type Random, sleep, type Timer, withinMs } from '../../../core/clock.ts';
import { isFanoutError } from '../../../core/errors.ts';
import { uuid } from '../../../core/uuid.ts';
import type { OdpSettings } from '../../config/config.ts';
import type { OnFailure } from '../../services/failure-log.ts';
import type { Ask } from '../../services/requester.ts';
import { serviceFailed } from '../../services/time-limit.ts';
import type { OdpProject } from '../project-traits.ts';

export interface OdpEvent {
  readonly type: string;
  readonly action: string;
  readonly identifiers: Readonly<Record<string, string>>;
  readonly data: Readonly<Record<string, unknown>>;
}

/** The platform's own limit for one request. */
const BATCH_SIZE = 10;
/** Waiting, per account; what comes beyond it is dropped. */
export const EVENTS_MAX = 10_000;
const ATTEMPTS_MAX = 3;
const BACKOFF_MS = 200;
/** Before a batch that failed is tried once more. */
const RETRY_INTERVAL_MS = 1_000;
const NAME = 'The Data Platform';
/** What the platform calls the id of a user whose flags are decided. */
export const USER_KEY = 'fs_user_id';
/** The original's name, by which reports on the platform tell an agent's events from others. */
const SOURCE = 'Agent';

export interface OdpEventsDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly ask: Ask;
  readonly onFailure: OnFailure;
  readonly version: string;
}

interface Lane {
  readonly host: string;
  readonly apiKey: string;
  readonly waiting: object[];
  timer: Timer | null;
  sending: Promise<void> | null;
}

export class OdpEvents {
  readonly #settings: OdpSettings;
  readonly #deps: OdpEventsDeps;
  /** One for each account: nothing of one may hold up another. */
  readonly #lanes = new Map<string, Lane>();
  #stopping = false;

  constructor(settings: OdpSettings, deps: OdpEventsDeps) {
    this.#settings = settings;
    this.#deps = deps;
  }

  /** False when too many are waiting; that is noted here. */
  add({ host, apiKey }: OdpProject, event: OdpEvent): boolean {
    const id = JSON.stringify([host, apiKey]);
    const lane = this.#lanes.get(id) ?? { host, apiKey, waiting: [], timer: null, sending: null };
    this.#lanes.set(id, lane);
    if (lane.waiting.length >= EVENTS_MAX || this.#stopping) {
      this.#lost(1, `${EVENTS_MAX} events are waiting`);
      return false;
    }
    lane.waiting.push(this.#complete(event));
    const { eventsFlushIntervalMs } = this.#settings;
    if (eventsFlushIntervalMs === 0 || lane.waiting.length >= BATCH_SIZE) this.#flush(lane);
    else this.#flushIn(lane, eventsFlushIntervalMs);
    return true;
  }

  /** Resolves within `timeoutMs`; what is left then is lost, and counted. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopping = true;
    const lanes = [...this.#lanes.values()];
    const sent = Promise.all(
      lanes.map(async (lane) => {
        await lane.sending;
        if (lane.waiting.length > 0) await this.#flush(lane);
      }),
    );
    await withinMs(this.#deps.clock, timeoutMs, sent, () => {});
    for (const { waiting } of lanes) if (waiting.length > 0) this.#lost(waiting.length, 'the agent stops');
  }

  #flushIn(lane: Lane, delayMs: number): void {
    lane.timer ??= this.#deps.clock.after(delayMs, () => {
      lane.timer = null;
      this.#flush(lane);
    });
  }

  #flush(lane: Lane): Promise<void> {
    if (lane.sending !== null) return lane.sending;
    lane.timer?.cancel();
    lane.timer = null;
    lane.sending = this.#sendAll(lane).finally(() => {
      lane.sending = null;
      if (lane.waiting.length > 0 && !this.#stopping)
        this.#flushIn(lane, Math.max(this.#settings.eventsFlushIntervalMs, RETRY_INTERVAL_MS));
    });
    return lane.sending;
  }

  /** Until nothing waits, or a batch cannot be delivered. Never rejects. */
  async #sendAll(lane: Lane): Promise<void> {
    while (lane.waiting.length > 0) {
      const batch = lane.waiting.slice(0, BATCH_SIZE);
      const outcome = await this.#deliver(lane, batch);
      if (outcome === 'failed') return;
      lane.waiting.splice(0, batch.length);
      if (outcome === 'refused') this.#lost(batch.length, 'it refuses them');
    }
  }

  async #deliver({ host, apiKey }: Lane, batch: readonly object[]): Promise<'sent' | 'refused' | 'failed'> {
    const { ask, clock, onFailure } = this.#deps;
    const body = JSON.stringify(batch);
    const headers = { 'content-type': 'application/json', 'x-api-key': apiKey };
    for (let attempt = 1; ; attempt++) {
      try {
        const timeoutMs = this.#settings.eventsRequestTimeoutMs;
        const { status } = await ask(NAME, `${host}/v3/events`, { method: 'POST', headers, body, timeoutMs });
        if (status >= 200 && status < 300) return 'sent';
        const failure = serviceFailed(NAME, `events were answered with status ${status}`);
        // The same bytes will not be taken later either; but a 429 is only about when.
        if (status >= 400 && status < 500 && status !== 429) {
          onFailure({ service: 'odp', what: 'events' }, failure);
          return 'refused';
        }
        throw failure;
      } catch (error) {
        onFailure({ service: 'odp', what: 'events' }, error);
        // An address that may not be asked will not be another one later.
        if (isFanoutError(error) && !error.retryable) return 'refused';
        if (attempt >= ATTEMPTS_MAX || this.#stopping) return 'failed';
        await sleep(clock, BACKOFF_MS * 2 ** (attempt - 1));
      }
    }
  }

  #lost(count: number, why: string): void {
    for (let i = 0; i < count; i++)
      this.#deps.onFailure(
        { service: 'odp', what: 'event-lost' },
        serviceFailed(NAME, `events are lost: ${why}`),
      );
  }

  #complete({ type, action, identifiers, data }: OdpEvent): object {
    return {
      type,
      action,
      identifiers: withUserId(identifiers),
      data: {
        idempotence_id: uuid(this.#deps.random),
        data_source_type: 'sdk',
        data_source: SOURCE,
        data_source_version: this.#deps.version,
        ...data,
      },
    };
  }
}

/**
 * The platform knows the user's id by one spelling only, so that the first other one is sent under that name, unless the
 * event has it already. An empty id identifies no user and is left out, as the original does.
 */
function withUserId({ [USER_KEY]: userId = '', ...others }: OdpEvent['identifiers']): Record<string, string> {
  if (userId !== '') return { ...others, [USER_KEY]: userId };
  const misspelt = Object.keys(others).find((key) => /^fs[-_]user[-_]id$/i.test(key));
  if (misspelt === undefined) return others;
  const { [misspelt]: id = '', ...rest } = others;
  return { ...rest, [USER_KEY]: id };
}
