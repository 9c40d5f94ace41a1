// The limit on connections against a real server and real sockets.

import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { limitConnections } from '../../io/connection-limit.ts';
import { eventually } from '../support/eventually.ts';

interface Client {
  readonly socket: Socket;
  received: string;
  isClosed: boolean;
}

async function serverOf(max: number) {
  /** Answers that are kept waiting, by path. */
  const held = new Map<string, ServerResponse>();
  const server = createServer((request, response) => {
    if (request.url === '/held') held.set('/held', response);
    else response.end('ok');
  });
  limitConnections(server, max);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const sockets: Socket[] = [];
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.closeAllConnections();
    server.close();
  });
  const open = async (text = '') => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    sockets.push(socket);
    const client: Client = { socket, received: '', isClosed: false };
    socket.on('data', (data) => {
      client.received += data;
    });
    socket
      .on('error', () => {})
      .on('close', () => {
        client.isClosed = true;
      });
    await new Promise((resolve) => socket.once('connect', resolve));
    if (text !== '') socket.write(text);
    return client;
  };
  return { open, held };
}

const ASK = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';
const answered = (client: Client) =>
  eventually('the connection is answered', () => client.received.includes('200 OK'));
const closed = (client: Client) => eventually('the connection is closed', () => client.isClosed);

it('answers a newcomer although silent connections have all the places, at the cost of the oldest', async () => {
  const { open } = await serverOf(3);
  const silent = [await open(), await open(), await open()];
  const newcomer = await open(ASK);
  await answered(newcomer);
  await closed(silent[0] as Client);
  expect(silent.map(({ isClosed }) => isClosed)).toEqual([true, false, false]);
});

it('counts a request whose body is still missing as silence', async () => {
  const { open } = await serverOf(1);
  const slow = await open('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 300\r\n\r\nh');
  const newcomer = await open(ASK);
  await answered(newcomer);
  await closed(slow);
});

it('closes strangers before clients that were answered before, and those by their last use', async () => {
  const { open } = await serverOf(3);
  const [first, second] = [await open(ASK), await open(ASK)];
  await answered(first);
  await answered(second);
  first.received = '';
  first.socket.write(ASK);
  await answered(first);
  const silent = await open();
  await answered(await open(ASK));
  await closed(silent);
  expect([first.isClosed, second.isClosed]).toEqual([false, false]);
  const last = await open(ASK);
  await answered(last);
  await closed(second);
  expect(first.isClosed).toBe(false);
});

it('never closes a connection that is being answered: the newcomer goes', async () => {
  const { open, held } = await serverOf(1);
  const busy = await open(ASK.replace('/', '/held'));
  await eventually('the request arrives', () => held.size === 1);
  const newcomer = await open(ASK);
  await closed(newcomer);
  held.get('/held')?.end('ok');
  await answered(busy);
});
