// A TCP connection with a delay: every piece arrives later, in order. Stands for the way to a bus that is not next door.

import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';

export interface DelayedLink {
  readonly port: number;
  close(): void;
}

/** Listens on loopback and relays to a port there; `delayMs` in each direction. */
export async function startDelayedLink(targetPort: number, delayMs: number): Promise<DelayedLink> {
  const sockets = new Set<Socket>();
  const relay = (from: Socket, to: Socket) => {
    sockets.add(from);
    from.setNoDelay(true);
    from.on('data', (piece) => setTimeout(() => to.write(piece), delayMs));
    // A link that breaks breaks at both ends; the reason is for those who use it.
    from.on('error', () => to.destroy());
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
  };
  const server = createServer((near) => {
    const far = connect(targetPort, LOOPBACK_HOST);
    relay(near, far);
    relay(far, near);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, LOOPBACK_HOST, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

const LOOPBACK_HOST = '127.0.0.1';
