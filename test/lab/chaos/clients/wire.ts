// A TCP wire of our own from an address of a test network to a port of this machine, with a delay that can be turned.

import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { LOOPBACK_HOST } from '../../../../infra/local/tools/http.ts';

export interface Wire {
  readonly port: number;
  /** Each way, for what is sent from now on. */
  setDelayMs(delayMs: number): void;
  close(): Promise<void>;
}

export async function openWire(listenHost: string, targetPort: number): Promise<Wire> {
  const sockets = new Set<Socket>();
  let delayMs = 0;
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.once('close', () => sockets.delete(socket));
  };
  const server = createServer((inner) => {
    const outer = createConnection(targetPort, LOOPBACK_HOST);
    for (const socket of [inner, outer]) keep(socket);
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      // In order, also while the delay is being turned.
      let before = Promise.resolve();
      const later = (act: () => void) => {
        const due = Date.now() + delayMs;
        before = before.then(() => until(due)).then(act);
      };
      from.on('data', (bytes) => later(() => to.write(bytes)));
      from.once('close', () => later(() => to.destroy()));
      // The close that follows is what matters; which error it was does not.
      from.once('error', () => to.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, listenHost, () => resolve()));
  return {
    port: (server.address() as AddressInfo).port,
    setDelayMs: (ms) => {
      delayMs = ms;
    },
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function until(dueMs: number): Promise<void> | undefined {
  const waitMs = dueMs - Date.now();
  return waitMs <= 0 ? undefined : new Promise((resolve) => setTimeout(resolve, waitMs));
}
