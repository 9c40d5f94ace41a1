// What one process has instead of a nats.ws connection: subscriptions, requests with an end, status, and the client's own
// reconnecting. In order, as TCP is, unless the weather says otherwise. Half-open ends are found by pings, as in the client.

import { ErrorCode, NatsError } from 'nats.ws';
import type { Timer } from '../../../../core/clock.ts';
import type { Actor } from '../actors/actor.ts';
import type { Weather } from '../actors/weather.ts';
import type { LinkWatch } from '../checks/link-watch.ts';
import { corrupted, headersOf, messageOf, payloadOf, Statuses } from './nats-parts.ts';
import { type Connected, type Message, type NatsServer, NO_HEADERS, type Reply } from './nats-server.ts';
import { Wire } from './nats-wire.ts';

const PING_INTERVAL_MS = 5_000;
const PINGS_OUT_MAX = 2;
const RECONNECT_WAIT_MS = 250;
const DEFAULT_TIMEOUT_MS = 1_000;

type OnMessage = (error: Error | null, message: unknown) => void;
type Options = { readonly timeout?: number; readonly headers?: unknown };

export class SimConnection implements Connected {
  readonly name: string;
  readonly info = { max_payload: 0 };
  readonly #actor: Actor;
  readonly #server: NatsServer;
  readonly #weather: Weather;
  readonly #watch: LinkWatch;
  readonly #reconnects: boolean;
  readonly #subscriptions = new Map<string, OnMessage>();
  /** Subjects that the server has heard of. */
  readonly #known = new Set<string>();
  readonly #statuses = new Statuses();
  readonly #wire: Wire;
  readonly #closed = Promise.withResolvers<void>();
  #isUp = true;
  #isClosed = false;
  #pingTimer: Timer | null = null;
  #pingsOut = 0;

  constructor(parts: {
    readonly actor: Actor;
    readonly server: NatsServer;
    readonly weather: Weather;
    readonly watch: LinkWatch;
    readonly reconnects: boolean;
    readonly maxPayload: number;
  }) {
    this.name = parts.actor.name;
    this.#actor = parts.actor;
    this.#server = parts.server;
    this.#weather = parts.weather;
    this.#watch = parts.watch;
    this.#reconnects = parts.reconnects;
    this.info.max_payload = parts.maxPayload;
    this.#wire = new Wire(parts.actor, parts.weather);
    this.#server.connected.add(this);
    this.#watch.link(true);
    this.#ping();
  }

  subscribe(subject: string, { callback }: { callback: OnMessage }): { unsubscribe(): void } {
    this.#subscriptions.set(subject, callback);
    const there = this.#send(() => this.#known.add(subject));
    if (!there) this.#watch.troubled();
    return {
      unsubscribe: () => {
        this.#subscriptions.delete(subject);
        this.#known.delete(subject);
      },
    };
  }

  publish(subject: string, payload: Uint8Array): void {
    const atMs = this.#actor.world.nowMs;
    this.#send(() =>
      this.#server.publish({ subject, headers: NO_HEADERS, payload, streamSequence: 0, atMs }),
    );
  }

  request(subject: string, payload?: Uint8Array, { timeout = DEFAULT_TIMEOUT_MS, headers }: Options = {}) {
    if (this.#isClosed) return Promise.reject(new NatsError('closed', ErrorCode.ConnectionClosed));
    // The client refuses what the server would not take.
    if (payloadOf(payload).byteLength > this.info.max_payload)
      return Promise.reject(new NatsError('MAX_PAYLOAD_EXCEEDED', ErrorCode.MaxPayloadExceeded));
    const { clock, name } = this.#actor;
    const answer = Promise.withResolvers<unknown>();
    const timer = clock.after(timeout, () => {
      this.#watch.troubled();
      answer.reject(new NatsError('TIMEOUT', ErrorCode.Timeout));
    });
    const settle = (run: () => void) => {
      timer.cancel();
      run();
    };
    const crash = this.#actor.call(0, 0, () => {});
    void crash.then(() =>
      this.#send(() => {
        const reply = this.#server.request(subject, headersOf(headers), payloadOf(payload), name);
        if (reply === null) return;
        if (this.#weather.hits('bus-lost-ack', name)) return this.#watch.troubled();
        this.#arrive(() => settle(() => this.#answer(subject, reply, answer)));
      }),
    );
    return answer.promise;
  }

  flush(): Promise<void> {
    const done = Promise.withResolvers<void>();
    if (this.#isClosed) done.reject(new NatsError('closed', ErrorCode.ConnectionClosed));
    else this.#send(() => this.#arrive(() => done.resolve()));
    return done.promise;
  }

  status(): AsyncIterable<{ type: string }> {
    return this.#statuses;
  }

  closed(): Promise<void> {
    return this.#closed.promise;
  }

  async close(): Promise<void> {
    this.#end();
  }

  isSubscribed(subject: string): boolean {
    return this.#known.has(subject);
  }

  deliver(message: Message): void {
    const { name, world } = this.#actor;
    if (this.#weather.hits('bus-drop', name)) {
      this.#actor.note('nats: a message is lost on the way', message.subject.slice(6));
      this.#watch.lost(message);
      return;
    }
    const isSpoilt = message.payload.byteLength > 0 && this.#weather.hits('bus-corrupt', name);
    const times = this.#weather.hits('bus-repeat', name) ? 2 : 1;
    for (let i = 0; i < times; i++) {
      const lateMs = this.#weather.hits('bus-reorder', name) ? world.dice.int(50, 3_000) : 0;
      if (lateMs > 0) this.#watch.troubled();
      const here = isSpoilt ? corrupted(message, world.dice) : message;
      this.#arrive(() => {
        if (isSpoilt) this.#watch.spoilt(message);
        else this.#watch.heard(message);
        this.#subscriptions.get(message.subject)?.(null, messageOf(0, here.headers, here.payload));
      }, lateMs);
    }
  }

  dropped(): void {
    this.#actor.run(() => this.#disconnected());
  }

  /** The process is gone, and the server sees it. */
  lostProcess(): void {
    this.#isClosed = true;
    this.#pingTimer?.cancel();
    this.#server.connected.delete(this);
  }

  #answer(subject: string, reply: Reply | 'no-responders', to: PromiseWithResolvers<unknown>): void {
    if (reply === 'no-responders') {
      to.reject(new NatsError('503', ErrorCode.NoResponders));
      return;
    }
    // A direct get shows the head as a live message would.
    const about = subject.startsWith('$JS.API.DIRECT.GET.') ? subject.split('.').slice(5).join('.') : null;
    if (about !== null && reply.code === 0)
      this.#watch.heard({ subject: about, ...reply, streamSequence: 1, atMs: this.#actor.world.nowMs });
    to.resolve(messageOf(reply.code, reply.headers, reply.payload));
  }

  /** To the server; false when it is not sent. */
  #send(serve: () => void): boolean {
    if (!this.#isUp || this.#isClosed) return false;
    this.#wire.there(() => {
      if (this.#isUp && this.#server.isUp && this.#server.connected.has(this)) serve();
    });
    return true;
  }

  #arrive(run: () => void, outOfOrderMs = 0): void {
    this.#wire.back(() => this.#actor.run(() => (this.#isUp ? run() : undefined)), outOfOrderMs);
  }

  #ping(): void {
    this.#pingTimer = this.#actor.clock.after(PING_INTERVAL_MS, () => {
      if (!this.#isUp || this.#isClosed) return;
      if (!this.#wire.isBlackholed) {
        this.#pingsOut = 0;
        // What was held up is sent again by TCP.
        this.#wire.release();
      } else {
        this.#watch.troubled();
        if (this.#pingsOut++ >= PINGS_OUT_MAX) return this.#stale();
      }
      this.#ping();
    });
  }

  #stale(): void {
    this.#statuses.push('staleConnection');
    this.#server.connected.delete(this);
    this.#disconnected();
  }

  #disconnected(): void {
    if (!this.#isUp || this.#isClosed) return;
    this.#isUp = false;
    this.#wire.drop();
    this.#pingTimer?.cancel();
    this.#watch.link(false);
    this.#statuses.push('disconnect');
    if (this.#reconnects) this.#reconnect();
    else this.#end();
  }

  #reconnect(): void {
    const { clock, world } = this.#actor;
    clock.after(RECONNECT_WAIT_MS + world.dice.int(0, 250), () => {
      if (this.#isClosed) return;
      if (!this.#server.isUp || this.#wire.isBlackholed) return this.#reconnect();
      this.#isUp = true;
      this.#pingsOut = 0;
      this.#known.clear();
      for (const subject of this.#subscriptions.keys()) this.#known.add(subject);
      this.#server.connected.add(this);
      this.#watch.link(true);
      this.#actor.note('nats: linked again');
      this.#statuses.push('reconnect');
      this.#ping();
    });
  }

  #end(): void {
    if (this.#isClosed) return;
    this.lostProcess();
    this.#statuses.end();
    this.#closed.resolve();
  }
}
