// Keeps a server's connections within a number without letting silent ones shut out those that ask: at the limit the
// connection that has waited longest without a whole request is closed for the new one. Knows no route.

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Limits `server` to `max` connections. Node's own `maxConnections` refuses the newcomer, so that as many connections
 * that say nothing would shut out health probes and webhooks.
 *
 * A connection is closed for a newcomer in this order: one that has never sent a whole request, the oldest first; one that
 * waits between two requests, the one unused for longest first. A connection whose request is being answered is never closed,
 * and where all are, the newcomer is.
 */
export function limitConnections(server: Server, max: number): void {
  /** Have never been answered; in the order in which they came. */
  const fresh = new Set<Socket>();
  /** Have been answered before; the one answered last is the last. */
  const known = new Set<Socket>();
  const requests = new WeakMap<Socket, IncomingMessage>();

  const isWaiting = (socket: Socket): boolean => requests.get(socket)?.complete !== true;
  const closeOneOf = (sockets: Set<Socket>): boolean => {
    for (const socket of sockets) {
      if (!isWaiting(socket)) continue;
      sockets.delete(socket);
      socket.destroy();
      return true;
    }
    return false;
  };

  server.on('connection', (socket: Socket) => {
    if (fresh.size + known.size >= max && !closeOneOf(fresh) && !closeOneOf(known)) {
      socket.destroy();
      return;
    }
    fresh.add(socket);
    socket.once('close', () => {
      fresh.delete(socket);
      known.delete(socket);
    });
  });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    requests.set(socket, request);
    response.once('close', () => {
      // The next request of a pipeline may have begun already.
      if (requests.get(socket) === request) requests.delete(socket);
      fresh.delete(socket);
      known.delete(socket);
      if (!socket.destroyed) known.add(socket);
    });
  });
}
