// One connection to the bus: NATS over the native WebSocket, which passes load balancers. The only file that imports the
// client; publishers and agents say what is said over a connection, and when to open another.

import { type ConnectionOptions, connect, credsAuthenticator, type NatsConnection } from 'nats.ws';
import { type BusCause, busCauseOf } from '../core/bus/cause.ts';
import type { BusCredentials } from '../core/bus/credentials.ts';
import { inboxPrefix } from '../core/record/names.ts';
import { watchBusSockets } from './bus-socket.ts';

export {
  ErrorCode,
  headers as natsHeaders,
  type Msg,
  type NatsConnection,
  NatsError,
  type Subscription,
} from 'nats.ws';

/** The client's own way to connect, or what stands in for it. */
export type Connect = typeof connect;

export interface BusPlace {
  /** ws:// or wss:// URLs of one cluster. */
  readonly servers: readonly string[];
  /** How the server's log calls this connection. */
  readonly name: string;
  readonly timeoutMs: number;
  /** Further options of the client. */
  readonly options?: Pick<
    ConnectionOptions,
    'pingInterval' | 'maxPingOut' | 'noEcho' | 'ignoreClusterUpdates'
  >;
  readonly connectTo?: Connect | undefined;
}

/** A connection that did not come to be. */
export class BusUnreachable extends Error {
  readonly busCause: BusCause;

  constructor(busCause: BusCause, cause: unknown) {
    super(busCause.says, { cause });
    this.busCause = busCause;
  }
}

/** One attempt. A closed connection stays closed: the caller opens another. @throws BusUnreachable */
export async function connectBus(
  { servers, name, timeoutMs, options, connectTo = connect }: BusPlace,
  credentials: BusCredentials,
): Promise<NatsConnection> {
  const { wsFactory, failure } = watchBusSockets();
  const { user, password, token, creds } = credentials;
  try {
    return await connectTo({
      ...options,
      servers: [...servers],
      name,
      inboxPrefix: inboxPrefix(user),
      timeout: timeoutMs,
      // The client's own reconnecting keeps the credentials of the start and does not tell why it fails; a frozen Lambda
      // cannot tend a connection at all.
      reconnect: false,
      ...(user !== undefined && { user }),
      ...(password !== undefined && { pass: password }),
      ...(token !== undefined && { token }),
      ...(creds !== undefined && { authenticator: credsAuthenticator(new TextEncoder().encode(creds)) }),
      wsFactory,
    } as ConnectionOptions);
  } catch (error) {
    throw new BusUnreachable(busCauseOf(error, failure()), error);
  }
}
