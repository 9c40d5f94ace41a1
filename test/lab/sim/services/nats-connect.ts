// How connecting to the simulated server goes: in its time, refused while the server is down, unanswered in a black hole.

import { type ConnectionOptions, type connect, ErrorCode, NatsError } from 'nats.ws';
import type { Actor } from '../actors/actor.ts';
import type { Weather } from '../actors/weather.ts';
import type { LinkWatch } from '../checks/link-watch.ts';
import { SimConnection } from './nats-connection.ts';
import type { NatsServer } from './nats-server.ts';

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
