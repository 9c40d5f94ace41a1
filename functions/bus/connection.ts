// Opens a connection of the functions to the bus, and says why it cannot. Who they are is read anew when they are refused: a
// rotated password then costs one attempt.

import { type ConnectionOptions, connect, credsAuthenticator, type NatsConnection } from 'nats.ws';
import { busCauseOf, type SocketFailure } from '../../core/bus/cause.ts';
import type { BusCredentials } from '../../core/bus/credentials.ts';
import { FanoutError, isFanoutError } from '../../core/errors.ts';
import { inboxPrefix } from '../../core/record/names.ts';
import { watchBusSockets } from '../../io/bus-socket.ts';
import type { CachedSecret } from '../settings/refreshing-secret.ts';

const CONNECT_TIMEOUT_MS = 700;

/** @throws FanoutError BUS_UNAVAILABLE; and what reading the credentials throws */
export async function openConnection(
  servers: readonly string[],
  credentials: CachedSecret<BusCredentials>,
  connectTo: typeof connect = connect,
): Promise<NatsConnection> {
  const sockets = watchBusSockets();
  const open = (as: BusCredentials) =>
    connectTo({ ...optionsOf(servers, as), wsFactory: sockets.wsFactory } as ConnectionOptions);
  try {
    const first = await credentials.get();
    try {
      return await open(first);
    } catch (error) {
      if (busCauseOf(error, sockets.failure()).kind !== 'credentials-refused') throw error;
      const second = await credentials.refresh();
      if (second === first) throw error;
      return await open(second);
    }
  } catch (error) {
    if (isFanoutError(error)) throw error;
    throw busUnavailable(`cannot be reached at ${servers.join(', ')}`, error, sockets.failure());
  }
}

function optionsOf(servers: readonly string[], credentials: BusCredentials): ConnectionOptions {
  const { user, password, token, creds } = credentials;
  return {
    servers: [...servers],
    name: 'datafile-fanout-functions',
    inboxPrefix: inboxPrefix(user),
    timeout: CONNECT_TIMEOUT_MS,
    // A frozen Lambda cannot tend a connection: closed is closed, and the next call opens another.
    reconnect: false,
    // Gossiped addresses are the cluster's own, which need not lead here over WebSocket.
    ignoreClusterUpdates: true,
    ...(user !== undefined && { user }),
    ...(password !== undefined && { pass: password }),
    ...(token !== undefined && { token }),
    ...(creds !== undefined && { authenticator: credsAuthenticator(new TextEncoder().encode(creds)) }),
  };
}

/** @param socket what the connection's WebSocket met instead of opening */
export function busUnavailable(what: string, error?: unknown, socket: SocketFailure | null = null) {
  const cause = error === undefined ? null : busCauseOf(error, socket);
  return new FanoutError({
    code: 'BUS_UNAVAILABLE',
    message: `The bus ${what}${cause === null ? '' : ` (${cause.says})`}`,
    remedy: 'Check nats-server, FANOUT_NATS_URL and the credentials; agents follow through S3 meanwhile.',
    retryable: true,
    ...(cause === null ? {} : { fields: { busCause: cause.kind } }),
    cause: error,
  });
}
