// The limit on connections against a real server and real sockets.

import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { limitConnections } from '../../../io/http/connection-limit.ts';
import { eventually } from '../../support/eventually.ts';

/** More of them than the buffers of a connection take. */
const LARGE = Buffer.alloc(4_000_000);
const LARGE_ANSWERS = 4;

interface Client {
  readonly socket: Socket;
  received: string;
  isClosed: boolean;
}

async function serverOf(max: number) {
  /** Answers to all paths but `/`; only `/large` is given. */
  const held = new Map<string, ServerResponse>();
  const server = createServer((request, response) => {
    if (request.url !== '/') held.set(request.url ?? '', response);
    if (request.url === '/large') response.end(LARGE);
    if (request.url === '/') response.end('ok');
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

it('closes strangers before clients that were answered before, while strangers are more', async () => {
  const { open } = await serverOf(4);
  const asked = await open(ASK);
  await answered(asked);
  const silent = [await open(), await open(), await open()];
  await answered(await open(ASK));
  await closed(silent[0] as Client);
  expect([asked, ...silent.slice(1)].map(({ isClosed }) => isClosed)).toEqual([false, false, false]);
});

it('closes idle clients while they are more than strangers, the one not used for longest first', async () => {
  const { open } = await serverOf(4);
  const idle = [await open(ASK), await open(ASK), await open(ASK), await open(ASK)];
  for (const client of idle) await answered(client);
  const first = idle[0] as Client;
  first.received = '';
  first.socket.write(ASK);
  await answered(first);
  const newcomers = [await open(), await open()];
  await closed(idle[1] as Client);
  await closed(idle[2] as Client);
  expect([first, ...newcomers].map(({ isClosed }) => isClosed)).toEqual([false, false, false]);
});

it('closes a connection whose client does not take its answers', async () => {
  const { open, held } = await serverOf(1);
  const deaf = await open();
  deaf.socket.pause();
  deaf.socket.write(ASK.replace('/', '/large').repeat(LARGE_ANSWERS));
  await eventually('answers wait for it', () => held.has('/large'));
  await answered(await open(ASK));
  expect(held.get('/large')?.destroyed).toBe(true);
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
