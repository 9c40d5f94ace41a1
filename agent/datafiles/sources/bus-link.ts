// The agent's one connection to the bus: opened, and opened again for as long as it runs. Every attempt is made anew, with the
// credentials that its files hold then; why one failed is told once, and decides how long the next one waits.

import { type BusCause, busCauseOf } from '../../../core/bus/cause.ts';
import type { BusCredentials } from '../../../core/bus/credentials.ts';
import type { Clock, Random, Timer } from '../../../core/clock.ts';
import { withinMs } from '../../../core/clock.ts';
import { BusUnreachable, type Connect, connectBus, type NatsConnection } from '../../../io/nats.ts';
import type { NatsSettings } from './bus.ts';
import { FreshCredentials } from './bus-credentials.ts';

const CONNECT_TIMEOUT_MS = 2_000;
const PING_INTERVAL_MS = 5_000;
const PINGS_OUT_MAX = 2;
/** Before the next attempt; doubled by each that fails, up to the longest. */
const PAUSE_FIRST_MS = 250;
const PAUSE_MAX_MS = 2_000;
const PAUSE_JITTER_MS = 250;
/** A server that refuses the agent's user goes on to do so until an operator acts, and logs each attempt. */
const REFUSED_PAUSE_FIRST_MS = 1_000;
const REFUSED_PAUSE_MAX_MS = 30_000;
/** Meanwhile files are looked at as often as this: new credentials need not wait. */
export const CREDENTIALS_LOOK_MS = 2_000;
/** A cause that lasts is told again after this. */
const CAUSE_REPEAT_MS = 10 * 60_000;
/** Closing writes to the wire first, which may be dead. */
const CLOSE_TIMEOUT_MS = 1_000;

export interface LinkEvents {
  up(connection: NatsConnection): void;
  down(): void;
  /** Two pings in a row went unanswered; down() follows. */
  stale(): void;
  /** Once for each cause, then rarely. */
  failed(cause: BusCause): void;
}

export interface BusLinkOptions {
  readonly settings: NatsSettings;
  readonly clock: Clock;
  readonly random: Random;
  /** Instead of the client's own, and of PING_INTERVAL_MS. */
  readonly connect?: Connect | undefined;
  readonly pingIntervalMs?: number | undefined;
}

export class BusLink {
  readonly #options: BusLinkOptions;
  readonly #events: LinkEvents;
  readonly #credentials: FreshCredentials;
  /** Servers that the cluster has named: where the configured one is gone, they may be there. */
  #gossiped: readonly string[] = [];
  #connection: NatsConnection | null = null;
  #timer: Timer | null = null;
  #stopped = false;
  /** Failed attempts since the link was last up. */
  #failures = 0;
  #cause: BusCause | null = null;
  /** When each cause was told last: of several servers each may have its own. */
  readonly #toldAtMs = new Map<string, number>();

  constructor(options: BusLinkOptions, events: LinkEvents) {
    this.#options = options;
    this.#events = events;
    this.#credentials = new FreshCredentials(options.settings);
  }

  /** Why the last attempt failed; null while the link is up, or before the first has ended. */
  get cause(): BusCause | null {
    return this.#cause;
  }

  start(): void {
    void this.#connect();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    const connection = this.#connection;
    this.#connection = null;
    if (connection === null) return;
    await withinMs(this.#options.clock, CLOSE_TIMEOUT_MS, connection.close(), () => {});
  }

  async #connect(): Promise<void> {
    const { settings, connect: connectTo, pingIntervalMs = PING_INTERVAL_MS } = this.#options;
    const credentials = await this.#credentials.read();
    if (this.#stopped) return;
    const place = {
      servers: [...new Set([...settings.servers, ...this.#gossiped])],
      name: 'datafile-fanout-agent',
      timeoutMs: CONNECT_TIMEOUT_MS,
      // The agent knows its own messages: it needs no echo.
      options: { pingInterval: pingIntervalMs, maxPingOut: PINGS_OUT_MAX, noEcho: true },
      connectTo,
    };
    try {
      const connection = await connectBus(place, credentials);
      if (this.#stopped) return await connection.close();
      this.#up(connection);
    } catch (error) {
      const cause = error instanceof BusUnreachable ? error.busCause : busCauseOf(error);
      if (!this.#stopped) this.#failed(cause, credentials);
    }
  }

  #up(connection: NatsConnection): void {
    this.#connection = connection;
    this.#failures = 0;
    this.#cause = null;
    this.#toldAtMs.clear();
    this.#noteGossip(connection);
    void this.#follow(connection);
    this.#events.up(connection);
  }

  async #follow(connection: NatsConnection): Promise<void> {
    let refusal: BusCause | null = null;
    for await (const { type, data } of connection.status()) {
      if (this.#stopped) return;
      if (type === 'update') this.#noteGossip(connection);
      if (type === 'error') {
        const cause = busCauseOf({ code: data });
        if (cause.kind === 'credentials-refused') refusal = cause;
      }
      // The client says this too when it leaves because of such an error.
      if (type === 'staleConnection' && refusal === null) this.#events.stale();
      // The last status need not end the iteration (nats.ws 1.30).
      if (type === 'staleConnection' || type === 'disconnect') break;
    }
    if (this.#stopped) return;
    // A dead wire keeps it from ending; nothing more is expected of it.
    void connection.close().catch(() => {});
    this.#connection = null;
    this.#events.down();
    if (refusal !== null) this.#failed(refusal, null);
    else this.#connectIn(this.#options.random() * PAUSE_FIRST_MS);
  }

  /** @param refused the credentials of the attempt; null where others may be at hand already */
  #failed(cause: BusCause, refused: BusCredentials | null): void {
    this.#cause = cause;
    const nowMs = this.#options.clock.nowMs();
    const toldAtMs = this.#toldAtMs.get(cause.says) ?? Number.NEGATIVE_INFINITY;
    if (nowMs - toldAtMs >= CAUSE_REPEAT_MS) {
      this.#toldAtMs.set(cause.says, nowMs);
      this.#events.failed(cause);
    }
    const pauseMs = this.#pauseMs(cause);
    this.#failures++;
    const isWatching =
      cause.kind === 'credentials-refused' && refused !== null && this.#credentials.canChange;
    if (isWatching) this.#awaitOthers(refused, nowMs + pauseMs);
    else this.#connectIn(pauseMs);
  }

  #pauseMs({ kind }: BusCause): number {
    const random = this.#options.random();
    const doubled = 2 ** Math.min(this.#failures, 16);
    if (kind === 'credentials-refused')
      return Math.min(REFUSED_PAUSE_FIRST_MS * doubled, REFUSED_PAUSE_MAX_MS) * (0.75 + random / 2);
    return Math.min(PAUSE_FIRST_MS * doubled, PAUSE_MAX_MS) + random * PAUSE_JITTER_MS;
  }

  #connectIn(pauseMs: number): void {
    this.#timer = this.#options.clock.after(pauseMs, () => this.start());
  }

  /** Until `dueMs`, or until the files hold something else than what was refused. */
  #awaitOthers(refused: BusCredentials, dueMs: number): void {
    const { clock } = this.#options;
    const leftMs = dueMs - clock.nowMs();
    this.#timer = clock.after(Math.max(0, Math.min(leftMs, CREDENTIALS_LOOK_MS)), async () => {
      const isOther = (await this.#credentials.read()) !== refused;
      if (this.#stopped) return;
      if (isOther || clock.nowMs() >= dueMs) this.start();
      else this.#awaitOthers(refused, dueMs);
    });
  }

  #noteGossip({ info }: NatsConnection): void {
    const scheme = this.#options.settings.servers[0]?.startsWith('wss:') ? 'wss' : 'ws';
    this.#gossiped = (info?.connect_urls ?? []).map((place) => `${scheme}://${place}`);
  }
}
