// Redis, as profiles and caches need it: a few commands on one connection per server. The only file that imports the
// client, and only when a Redis is configured. Never waits for a server that is away: such commands fail at once.

import type { RedisClientType } from '@redis/client';
import type { Clock } from '../../core/clock.ts';
import { isFanoutError, messageOf } from '../../core/errors.ts';
import type { RedisSettings } from '../config/config.ts';
import type { OnFailure } from './failure-log.ts';
import { serviceFailed, within } from './time-limit.ts';

/** For one command; Redis answers within a millisecond or something is wrong. */
export const COMMAND_TIMEOUT_MS = 1_000;
const CONNECT_TIMEOUT_MS = 2_000;
const RECONNECT_MIN_MS = 50;
const RECONNECT_MAX_MS = 5_000;
/** A connection on which nothing moves for so long is dead, as a ping is sent well before. */
const SILENCE_MAX_MS = 5_000;
const PING_INTERVAL_MS = 2_000;
/** Commands waiting for their answers; beyond it, new ones fail at once. */
const COMMANDS_MAX = 10_000;
const SCAN_COUNT = 500;

export interface Redis {
  /** Null where there is none. All of these throw FanoutError SERVICE_FAILED. */
  get(key: string): Promise<string | null>;
  /** @param expiresMs 0: never */
  set(key: string, value: string, expiresMs: number): Promise<void>;
  remove(key: string): Promise<void>;
  /** Keys that begin so. Takes as long as the server has keys. */
  removeAll(prefix: string): Promise<void>;
}

export interface RedisDeps {
  readonly clock: Clock;
  readonly onFailure: OnFailure;
}

export class RedisConnections {
  readonly #deps: RedisDeps;
  readonly #connections = new Map<string, RedisConnection>();

  constructor(deps: RedisDeps) {
    this.#deps = deps;
  }

  /** The connection to that server, begun with its first command. */
  of(settings: RedisSettings): Redis {
    const id = JSON.stringify(settings);
    const connection = this.#connections.get(id) ?? new RedisConnection(settings, this.#deps);
    this.#connections.set(id, connection);
    return connection;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#connections.values()].map((connection) => connection.stop()));
  }
}

class RedisConnection implements Redis {
  readonly #settings: RedisSettings;
  readonly #deps: RedisDeps;
  readonly #name: string;
  #client: Promise<RedisClientType> | null = null;
  /** The same, once it is there. */
  #connected: RedisClientType | null = null;
  /** Commands that were answered so far. */
  #answers = 0;
  #stopped = false;

  constructor(settings: RedisSettings, deps: RedisDeps) {
    this.#settings = settings;
    this.#deps = deps;
    this.#name = `Redis at ${settings.host}:${settings.port}`;
  }

  get(key: string): Promise<string | null> {
    return this.#run((client) => client.get(key));
  }

  async set(key: string, value: string, expiresMs: number): Promise<void> {
    const options = expiresMs > 0 ? { expiration: { type: 'PX', value: expiresMs } as const } : {};
    await this.#run((client) => client.set(key, value, options));
  }

  async remove(key: string): Promise<void> {
    await this.#run((client) => client.unlink(key));
  }

  async removeAll(prefix: string): Promise<void> {
    const client = await this.#run(async (ready) => ready);
    const pattern = `${prefix.replaceAll(/[*?[\]\\]/g, '\\$&')}*`;
    try {
      for await (const keys of client.scanIterator({ MATCH: pattern, COUNT: SCAN_COUNT }))
        if (keys.length > 0) await client.unlink(keys);
    } catch (cause) {
      throw serviceFailed(this.#name, messageOf(cause), cause);
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    // A client that could not even be made has nothing to close.
    const client = await this.#client?.catch(() => null);
    if (client?.isOpen) client.destroy();
  }

  async #run<T>(command: (client: RedisClientType) => Promise<T>): Promise<T> {
    this.#client ??= this.#connect();
    const answers = this.#answers;
    try {
      const value = await within(
        this.#deps.clock,
        COMMAND_TIMEOUT_MS,
        this.#name,
        this.#client.then(command),
      );
      this.#answers++;
      return value;
    } catch (cause) {
      if (isFanoutError(cause)) {
        if (this.#answers === answers) this.#giveUp();
        throw cause;
      }
      throw serviceFailed(this.#name, messageOf(cause), cause);
    }
  }

  /** No command was answered for a command's whole time: the wire is dead, even if it looks alive. The next command makes another. */
  #giveUp(): void {
    if (!this.#connected?.isReady) return;
    this.#connected.destroy();
    this.#connected = null;
    this.#client = null;
  }

  /** Resolves when the first attempt has ended, well or not; from then on the client reconnects by itself. */
  async #connect(): Promise<RedisClientType> {
    // A bundle has only the default export of a CommonJS package that is loaded late.
    const { createClient } = (await import('@redis/client')).default;
    const { host, port, username, password, database, tls } = this.#settings;
    const client = createClient({
      ...(username === null ? {} : { username }),
      ...(password === null ? {} : { password }),
      database,
      // Every server in use speaks it.
      RESP: 2,
      disableOfflineQueue: true,
      commandsQueueMaxLength: COMMANDS_MAX,
      pingInterval: PING_INTERVAL_MS,
      socket: {
        ...(tls ? { host, port, tls: true } : { host, port }),
        connectTimeout: CONNECT_TIMEOUT_MS,
        socketTimeout: SILENCE_MAX_MS,
        reconnectStrategy: (attempt: number) =>
          Math.min(RECONNECT_MIN_MS * 2 ** Math.min(attempt, 10), RECONNECT_MAX_MS),
      },
    }) as unknown as RedisClientType;
    const decided = new Promise<void>((resolve) => {
      client.once('ready', resolve);
      client.once('error', () => resolve());
    });
    client.on('error', (error: unknown) => {
      if (!this.#stopped) this.#deps.onFailure({ service: 'redis', what: 'connection' }, error);
    });
    // Fails only when it is stopped; until then every failure is an event of the client.
    client.connect().catch(() => {});
    await decided;
    this.#connected = client;
    return client;
  }
}
