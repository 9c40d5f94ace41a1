// What silent connections cost those that ask, on a port with and without TLS.

import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { expect, it, onTestFinished } from 'vitest';
import { createListener } from '../../../../agent/http/door/tls.ts';
import { eventually } from '../../../support/eventually.ts';
import { LISTENER } from '../../support/listener.ts';

const CONNECTIONS_MAX = 8;
const pem = (name: string) => readFileSync(join(import.meta.dirname, '../../../fixtures/tls', name), 'utf8');
const TLS = { key: pem('key.pem'), cert: pem('cert.pem'), disabledCiphers: [] };

async function start(tls: typeof TLS | null) {
  const server = createListener({ ...LISTENER, tls }, (_, response) => response.end('ok'), CONNECTIONS_MAX);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const sockets: Socket[] = [];
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.closeAllConnections();
    server.close();
  });
  const noted = async (socket: Socket, event: string) => {
    sockets.push(socket);
    const client = { socket, received: '', isClosed: false };
    socket.on('data', (data) => {
      client.received += data;
    });
    socket
      .on('error', () => {})
      .on('close', () => {
        client.isClosed = true;
      });
    await new Promise((resolve) => socket.once(event, resolve));
    return client;
  };
  const silent = () => noted(connect(port, '127.0.0.1'), 'connect');
  const open = () =>
    tls === null
      ? silent()
      : noted(
          connectTls({ host: '127.0.0.1', port, ca: tls.cert, servername: 'localhost' }),
          'secureConnect',
        );
  const ask = async (client: Awaited<ReturnType<typeof open>>) => {
    client.received = '';
    client.socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await eventually('the request is answered', () => client.received.includes('200 OK'));
  };
  return { silent, open, ask };
}

it.each([
  ['HTTP', null],
  ['HTTPS', TLS],
])(
  '%s: connections that say nothing make way for those that ask, and those for no silent one',
  async (_, tls) => {
    const { silent, open, ask } = await start(tls);
    const client = await open();
    await ask(client);
    for (let i = 0; i < 2 * CONNECTIONS_MAX; i++) await silent();
    for (let i = 0; i < CONNECTIONS_MAX; i++) await ask(await open());
    // In a handshake that goes no further, or after it.
    for (let i = 0; i < 2 * CONNECTIONS_MAX; i++) await open();
    await ask(await open());
    expect(client.isClosed).toBe(false);
    await ask(client);
  },
);
