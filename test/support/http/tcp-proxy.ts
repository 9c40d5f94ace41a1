// A wire that can fail in the ways wires do: frozen (packets dropped, nothing closed), cut (connections reset), refused.

import type { AddressInfo } from 'node:net';
import { createConnection, createServer, type Socket } from 'node:net';

export interface TcpProxy {
  readonly port: number;
  /** Nothing passes either way, and neither side is told. New connections are accepted and hang. */
  freeze(): void;
  /** As freeze, but for the connections of now only: what a NAT does to idle ones. */
  freezeOpen(): void;
  thaw(): void;
  /** Resets every open connection; new ones are taken again. */
  cut(): void;
  close(): Promise<void>;
}

export async function startTcpProxy(targetPort: number, host = '127.0.0.1'): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let frozen = false;
  const keep = (socket: Socket) => {
    sockets.add(socket);
    if (frozen) socket.pause();
    socket.once('close', () => sockets.delete(socket));
  };
  const server = createServer((inner) => {
    const outer = createConnection(targetPort, host);
    keep(inner);
    keep(outer);
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      from.on('data', (bytes) => to.write(bytes));
      from.once('close', () => to.destroy());
      // The close that follows is what matters; which error it was does not.
      from.once('error', () => to.destroy());
      if (frozen) from.pause();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, host, () => resolve()));
  return {
    port: (server.address() as AddressInfo).port,
    freeze() {
      frozen = true;
      for (const socket of sockets) socket.pause();
    },
    freezeOpen() {
      for (const socket of sockets) socket.pause();
    },
    thaw() {
      frozen = false;
      for (const socket of sockets) socket.resume();
    },
    cut() {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
