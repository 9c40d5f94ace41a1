// Opens a publisher's connection to the bus, and says why it cannot. Credentials are read anew when they are refused: a rotated
// password then costs one attempt.

import { type BusCause, busCauseOf } from '../../core/bus/cause.ts';
import type { BusCredentials } from '../../core/bus/credentials.ts';
import { FanoutError } from '../../core/errors.ts';
import { BusUnreachable, type Connect, connectBus, type NatsConnection } from '../../io/nats.ts';
import type { CachedSecret } from '../settings/refreshing-secret.ts';

const CONNECT_TIMEOUT_MS = 700;

/** @throws FanoutError BUS_UNAVAILABLE; and what reading the credentials throws */
export async function openConnection(
  servers: readonly string[],
  credentials: CachedSecret<BusCredentials>,
  connectTo?: Connect,
): Promise<NatsConnection> {
  const place = {
    servers,
    name: 'datafile-fanout-functions',
    timeoutMs: CONNECT_TIMEOUT_MS,
    // Gossiped addresses are the cluster's own, which need not lead here over WebSocket.
    options: { ignoreClusterUpdates: true },
    connectTo,
  };
  try {
    const first = await credentials.get();
    try {
      return await connectBus(place, first);
    } catch (error) {
      if (!(error instanceof BusUnreachable) || error.busCause.kind !== 'credentials-refused') throw error;
      const second = await credentials.refresh();
      if (second === first) throw error;
      return await connectBus(place, second);
    }
  } catch (error) {
    if (!(error instanceof BusUnreachable)) throw error;
    throw busUnavailable(`cannot be reached at ${servers.join(', ')}`, error.cause, error.busCause);
  }
}

/** @param why in place of what `error` says by itself */
export function busUnavailable(
  what: string,
  error?: unknown,
  why: BusCause | null = error === undefined ? null : busCauseOf(error),
): FanoutError {
  return new FanoutError({
    code: 'BUS_UNAVAILABLE',
    message: `The bus ${what}${why === null ? '' : ` (${why.says})`}`,
    remedy: 'Check nats-server, FANOUT_NATS_URL and the credentials; agents follow through S3 meanwhile.',
    retryable: true,
    ...(why === null ? {} : { fields: { busCause: why.kind } }),
    cause: error,
  });
}
