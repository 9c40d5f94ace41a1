// The WebSocket of the bus's client, watched: when it does not open, the platform's own says nothing but that it failed. Here
// the reason is taken where it is still known, from the request that the WebSocket begins with. Knows no client.

import type { SocketFailure } from '../core/bus/cause.ts';
import { dispatch } from './http/proxy.ts';

export interface BusSockets {
  /** For the client's option of that name. */
  wsFactory(url: string): Promise<{ socket: WebSocket; encrypted: boolean }>;
  /** Why the latest socket did not open; null when it opened, or nothing is known. */
  failure(): SocketFailure | null;
}

type Handler = Record<string, unknown>;

export function watchBusSockets(): BusSockets {
  let failure: SocketFailure | null = null;
  const watched = (handler: Handler): Handler =>
    new Proxy(handler, {
      get: (target, name) => {
        const value = target[name as string];
        if (typeof value !== 'function') return value;
        if (name === 'onError')
          return (error: unknown) => {
            failure ??= { error };
            return value.call(target, error);
          };
        if (name !== 'onHeaders') return value.bind(target);
        return (status: number, ...rest: unknown[]) => {
          // 101 is told by onUpgrade.
          failure = { status };
          return value.call(target, status, ...rest);
        };
      },
    });
  return {
    wsFactory: async (url) => {
      failure = null;
      // An option of the WebSocket inside of Node (undici), beyond the web's own.
      const options = {
        dispatcher: { dispatch: (request: never, handler: Handler) => dispatch(request, watched(handler)) },
      };
      const socket = new WebSocket(url, options as never);
      return { socket, encrypted: url.startsWith('wss:') };
    },
    failure: () => failure,
  };
}
