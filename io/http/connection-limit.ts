// Keeps a server's connections within a number without letting silent ones shut out those that ask: at the limit the
// connection that has waited longest for its client is closed for the new one. Knows no route.

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';

/** Of `max`: with fewer connections nothing is noted of a request, which then costs one look-up. */
const NOTED_FROM = 0.5;

/**
 * Limits `server` to `max` connections. Node's own `maxConnections` refuses the newcomer, so that as many connections
 * that say nothing would shut out health probes and webhooks.
 *
 * A connection is closed for a newcomer while it waits for its client: to send a whole request, or to take an answer that is
 * complete. It is taken from those that were never answered or from those that were, whichever are more: neither silent
 * strangers nor idle ones that have asked once can have all places, and a newcomer is not closed for the next one before its
 * request can be read. Among them the one goes that has not been used for longest. A connection whose request is being worked on
 * is never closed, and neither is one whose last request came while less than half of the places were taken; where there is no
 * other, the newcomer is.
 */
export function limitConnections(server: Server, max: number): void {
  /** Have never been answered; in the order in which they came. */
  const fresh = new Set<Socket>();
  /** Have been answered before; the one answered last is the last. */
  const known = new Set<Socket>();
  /** The outcome of their last request is not noted. */
  const spared = new Set<Socket>();
  const exchanges = new WeakMap<Socket, Exchange>();

  const isWaiting = (socket: Socket): boolean => {
    const exchange = exchanges.get(socket);
    return exchange?.request.complete !== true || exchange.response.writableEnded;
  };
  const forget = (socket: Socket): void => {
    fresh.delete(socket);
    known.delete(socket);
    spared.delete(socket);
  };
  const closeOneOf = (sockets: Set<Socket>): boolean => {
    for (const socket of sockets) {
      if (!isWaiting(socket)) continue;
      forget(socket);
      socket.destroy();
      return true;
    }
    return false;
  };
  const count = (): number => fresh.size + known.size + spared.size;
  const makeRoom = (): boolean => {
    const [first, second] = fresh.size > known.size ? [fresh, known] : [known, fresh];
    return closeOneOf(first) || closeOneOf(second);
  };

  server.on('connection', (socket: Socket) => {
    if (count() >= max && !makeRoom()) {
      socket.destroy();
      return;
    }
    fresh.add(socket);
    socket.once('close', () => forget(socket));
  });
  if (server instanceof TlsServer) followHandshakes(server, fresh, forget);
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    if (count() < max * NOTED_FROM) {
      if (spared.has(socket)) return;
      forget(socket);
      spared.add(socket);
      return;
    }
    const exchange = { request, response };
    exchanges.set(socket, exchange);
    response.once('close', () => {
      // The next request of a pipeline may have begun already.
      if (exchanges.get(socket) === exchange) exchanges.delete(socket);
      forget(socket);
      if (!socket.destroyed) known.add(socket);
    });
  });
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/**
 * Requests come by the socket of TLS, which takes the place of the connection's own once it is there. Node names neither's
 * other half; both have the same peer.
 */
function followHandshakes(server: TlsServer, fresh: Set<Socket>, forget: (socket: Socket) => void): void {
  const underWay = new Map<string, Socket>();
  const peerOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;
  server.on('connection', (socket: Socket) => {
    const peer = peerOf(socket);
    underWay.set(peer, socket);
    socket.once('close', () => {
      if (underWay.get(peer) === socket) underWay.delete(peer);
    });
  });
  server.on('secureConnection', (socket: Socket) => {
    const raw = underWay.get(peerOf(socket));
    if (raw === undefined) return;
    underWay.delete(peerOf(socket));
    forget(raw);
    if (socket.destroyed) return;
    fresh.add(socket);
    socket.once('close', () => forget(socket));
  });
}
