// A forward proxy as companies have them: CONNECT for what is encrypted, and absolute-form requests for plain HTTP. Notes what
// it was asked for, and resolves names as it is told.

import { createServer, type IncomingMessage, request } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

export interface TestProxy {
  readonly url: string;
  /** `CONNECT host:port`, `GET http://host/path`. */
  readonly asked: string[];
  /** Proxy-Authorization headers. */
  readonly authorizations: (string | undefined)[];
  close(): Promise<void>;
}

export interface TestProxyOptions {
  /** Where a host really is, as `host:port`; by default where it says. */
  readonly hosts?: Readonly<Record<string, string>>;
  /** False: a plain forward proxy, which refuses CONNECT. */
  readonly tunnels?: boolean;
}

export async function startProxy({ hosts = {}, tunnels = true }: TestProxyOptions = {}): Promise<TestProxy> {
  const asked: string[] = [];
  const authorizations: (string | undefined)[] = [];
  const open = new Set<Socket>();
  const placeOf = (authority: string) => {
    const place = new URL(`http://${hosts[authority] ?? authority}`);
    return { host: place.hostname.replace(/^\[|\]$/g, ''), port: Number(place.port || 80) };
  };
  const note = (incoming: IncomingMessage) => {
    asked.push(`${incoming.method} ${incoming.url}`);
    authorizations.push(incoming.headers['proxy-authorization']);
  };
  const server = createServer((incoming, answer) => {
    note(incoming);
    const url = new URL(incoming.url ?? '');
    const { host, port } = placeOf(url.host);
    const { method, headers } = incoming;
    const path = url.pathname + url.search;
    const onward = request({ host, port, method, headers, path, agent: false }, (response) => {
      answer.writeHead(response.statusCode ?? 0, response.headers);
      response.pipe(answer);
    });
    onward.once('error', () => answer.writeHead(502).end());
    incoming.pipe(onward);
  });
  server.on('connect', (incoming: IncomingMessage, client: Socket) => {
    note(incoming);
    client.on('error', () => {});
    if (!tunnels) return void client.end('HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\n\r\n');
    const target = connect(placeOf(incoming.url ?? ''), () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      target.pipe(client).pipe(target);
    });
    open.add(client).add(target);
    target.once('error', () => client.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    authorizations,
    close: async () => {
      for (const socket of open) socket.destroy();
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
