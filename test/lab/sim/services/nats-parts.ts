// Small parts of a connection: messages as nats.ws shows them, the stream of its states, how connecting goes.

import { type ConnectionOptions, type connect, ErrorCode, NatsError } from 'nats.ws';
import type { Actor } from '../actors/actor.ts';
import type { Weather } from '../actors/weather.ts';
import type { LinkWatch } from '../checks/link-watch.ts';
import type { Dice } from '../dice.ts';
import { SimConnection } from './nats-connection.ts';
import { type Message, type NatsServer, NO_HEADERS } from './nats-server.ts';
import { flip } from './s3-client.ts';

export interface SimMessage {
  readonly headers: {
    readonly code: number;
    readonly description: string;
    get(name: string): string;
  };
  readonly data: Uint8Array;
  json<T>(): T;
}

export const messageOf = (
  code: number,
  headers: ReadonlyMap<string, string>,
  data: Uint8Array,
): SimMessage => ({
  headers: { code, description: '', get: (name) => headers.get(name) ?? '' },
  data,
  json: () => JSON.parse(new TextDecoder().decode(data)),
});

export const payloadOf = (payload: Uint8Array | undefined): Uint8Array => payload ?? new Uint8Array(0);

export const headersOf = (headers: unknown): ReadonlyMap<string, string> => {
  if (headers === undefined) return NO_HEADERS;
  const all = headers as { keys(): string[]; get(name: string): string };
  return new Map(all.keys().map((name) => [name, all.get(name)]));
};

export const corrupted = (message: Message, dice: Dice): Message => ({
  ...message,
  payload: flip(message.payload, dice.int(0, message.payload.byteLength - 1)),
});

/** What a connection goes through, for one reader. */
export class Statuses implements AsyncIterable<{ type: string }> {
  readonly #waiting: { type: string }[] = [];
  #wake: (() => void) | null = null;
  #ended = false;

  push(type: string): void {
    this.#waiting.push({ type });
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<{ type: string }> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next !== undefined) yield next;
      else if (this.#ended) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}

const CONNECT_TIMEOUT_MS = 700;

/** nats.ws's connect() for one process. */
export function connectFrom(parts: {
  readonly actor: Actor;
  readonly server: NatsServer;
  readonly weather: Weather;
  readonly watch: LinkWatch;
  readonly maxPayload: number;
  readonly onConnection?: (connection: SimConnection) => void;
}): typeof connect {
  const { actor, server, weather } = parts;
  const connectTo = async (options: ConnectionOptions = {}) => {
    const timeoutMs = options.timeout ?? CONNECT_TIMEOUT_MS;
    if (weather.blows('bus-blackhole', actor.name))
      return actor.call(timeoutMs, 0, () => {
        throw new NatsError('TIMEOUT', ErrorCode.Timeout);
      });
    return actor.call(actor.world.dice.int(2, 20), 0, () => {
      if (!server.isUp) throw new NatsError('', ErrorCode.ConnectionRefused);
      const connection = new SimConnection({ ...parts, reconnects: options.reconnect !== false });
      if (actor.isDead) connection.lostProcess();
      parts.onConnection?.(connection);
      return connection;
    });
  };
  return connectTo as unknown as typeof connect;
}
