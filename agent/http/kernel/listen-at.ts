// Opens a port of the agent, or says which one could not be had and what to set. Knows nothing of what is served there.

import { FanoutError, messageOf } from '../../../core/errors.ts';
import type { RouteServer } from './server.ts';

export type PortName = 'api' | 'admin' | 'webhook';

/** Resolves with the port when it listens. @throws FanoutError PORT_UNAVAILABLE */
export async function listenAt(
  server: Pick<RouteServer, 'listen'>,
  name: PortName,
  host: string,
  port: number,
): Promise<number> {
  try {
    return await server.listen(host, port);
  } catch (cause) {
    throw new FanoutError({
      code: 'PORT_UNAVAILABLE',
      message: `The ${name} port cannot be opened: ${messageOf(cause)}`,
      remedy: `Stop what listens there, or set OPTIMIZELY_${name.toUpperCase()}_PORT to another one (0: any free one).`,
      retryable: false,
      cause,
    });
  }
}
