// Every way in which the product asks others goes by the proxy of the environment: here each of them against a real proxy.

import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { proxyAgentOptions, useProxies } from '../../../io/http/proxy.ts';
import { startTestNats, type TestNats } from '../../support/bus/nats.ts';
import { startProxy, type TestProxyOptions } from '../../support/http/proxy.ts';

const TLS = join(import.meta.dirname, '../../fixtures/tls');
const tls = { key: readFileSync(join(TLS, 'key.pem')), cert: readFileSync(join(TLS, 'cert.pem')) };
const plain = http.createServer((request, response) => response.end(`plain ${request.url}`));
const secure = https.createServer(tls, (request, response) => response.end(`secure ${request.url}`));
const portOf = (server: http.Server) => (server.address() as AddressInfo).port;
let nats: TestNats;

beforeAll(async () => {
  for (const server of [plain, secure])
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  nats = await startTestNats();
});
afterAll(async () => {
  for (const server of [plain, secure]) {
    server.closeAllConnections();
    server.close();
  }
  await nats.close();
});

/** Names that only the proxy knows. */
async function behindProxy(options: TestProxyOptions & { noProxy?: string; userInfo?: string } = {}) {
  const proxy = await startProxy({
    hosts: {
      'mirror.test': `127.0.0.1:${portOf(plain)}`,
      'mirror.test:80': `127.0.0.1:${portOf(plain)}`,
      'secure.test:443': `127.0.0.1:${portOf(secure)}`,
      'nats.test:80': `127.0.0.1:${nats.wsPort}`,
    },
    ...options,
  });
  const url = proxy.url.replace('//', `//${options.userInfo ?? ''}`);
  const { undo } = useProxies({ http_proxy: url, HTTPS_PROXY: url, NO_PROXY: options.noProxy });
  onTestFinished(async () => {
    undo();
    await proxy.close();
  });
  return proxy;
}

const ask = (module: typeof http | typeof https, url: string, options: object) =>
  new Promise<string>((answered, failed) => {
    const agent = new module.Agent({ keepAlive: false, ...proxyAgentOptions() });
    module
      .get(url, { agent, ...options }, (response) => {
        response.setEncoding('utf8').once('data', answered);
      })
      .once('error', failed);
  });

const opens = (url: string) =>
  new Promise<string>((answered) => {
    const socket = new WebSocket(url);
    socket.onopen = () => {
      answered('open');
      socket.close();
    };
    socket.onerror = () => answered('failed');
  });

describe('by the proxy', () => {
  it('goes fetch() of http in absolute form, which needs no tunnel', async () => {
    const proxy = await behindProxy({ tunnels: false });
    const response = await fetch('http://mirror.test/datafiles/k.json?a=1');
    expect(await response.text()).toBe('plain /datafiles/k.json?a=1');
    expect(proxy.asked).toEqual(['GET http://mirror.test/datafiles/k.json?a=1']);
  });

  it('goes fetch() of https through a tunnel, end to end encrypted', async () => {
    const proxy = await behindProxy();
    // The certificate is not trusted here: that the refusal is about it shows whose it is.
    await expect(fetch('https://secure.test/')).rejects.toMatchObject({
      cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
    });
    expect(proxy.asked).toEqual(['CONNECT secure.test:443']);
  });

  it('go agents of node:http, with the credentials of the proxy', async () => {
    const proxy = await behindProxy({ userInfo: 'u:p%40@' });
    expect(await ask(http, 'http://mirror.test/e', {})).toBe('plain /e');
    const options = { ca: tls.cert, checkServerIdentity: () => undefined };
    expect(await ask(https, 'https://secure.test/e', options)).toBe('secure /e');
    expect(proxy.asked).toEqual(['GET http://mirror.test/e', 'CONNECT secure.test:443']);
    const expected = `Basic ${Buffer.from('u:p@').toString('base64')}`;
    expect(proxy.authorizations).toEqual([expected, expected]);
  });

  it('goes a WebSocket, by a tunnel also where it is not encrypted', async () => {
    const proxy = await behindProxy();
    expect(await opens('ws://nats.test')).toBe('open');
    expect(proxy.asked).toEqual(['CONNECT nats.test:80']);
  });
});

describe('past the proxy', () => {
  it.each(['*', '127.0.0.1', '127.0.0.0/8', ''])('goes this machine with NO_PROXY=%s', async (noProxy) => {
    const proxy = await behindProxy({ noProxy });
    const url = `http://127.0.0.1:${portOf(plain)}/x`;
    expect(await (await fetch(url)).text()).toBe('plain /x');
    expect(await ask(http, url, {})).toBe('plain /x');
    expect(await opens(nats.wsUrl)).toBe('open');
    expect(proxy.asked).toEqual([]);
  });

  it.each(['mirror.test', '.test', 'other.test, *.test', 'mirror.test:80'])(
    'goes what NO_PROXY=%s names: its name is then looked up here',
    async (noProxy) => {
      const proxy = await behindProxy({ noProxy });
      await expect(fetch('http://mirror.test/')).rejects.toMatchObject({ cause: { syscall: 'getaddrinfo' } });
      await expect(ask(http, 'http://mirror.test/', {})).rejects.toMatchObject({ syscall: 'getaddrinfo' });
      expect(proxy.asked).toEqual([]);
    },
  );
});
