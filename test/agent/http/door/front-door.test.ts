import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { connect as tlsConnect } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createFrontDoor } from '../../../../agent/http/door/front-door.ts';
import { createListener } from '../../../../agent/http/door/tls.ts';
import type { BodyRequest } from '../../../../agent/http/kernel/body-request.ts';
import { sendRaw, statusOf } from '../../../support/http/raw-http.ts';
import { startDoor } from '../../support/door.ts';
import { LISTENER } from '../../support/listener.ts';

class FakeResponse extends EventEmitter {
  status = 0;
  readonly headers: Record<string, unknown> = {};
  setHeader(name: string, value: unknown) {
    this.headers[name] = value;
  }
  body = '';
  writeHead(status: number, headers: Record<string, unknown>) {
    this.status = status;
    Object.assign(this.headers, headers);
  }
  end(body: string) {
    this.body = body;
  }
}

const requestOf = (url: string) =>
  ({ url, method: 'GET', headers: {}, resume() {} }) as unknown as BodyRequest;

describe('the limit of requests at a time', () => {
  it('turns away what is too much, with when to come again, and lets in again what there is room for', () => {
    const refused: number[] = [];
    const door = createFrontDoor({
      ...{
        allowedHosts: null,
        allowAnyIp: true,
        trustedProxies: [],
        healthCheckPath: '/health',
        cors: null,
        maxConns: 2,
      },
      onRefused: (status) => refused.push(status),
    });
    const ask = (url: string) => {
      const response = new FakeResponse();
      const ready = door.admit(requestOf(url), response as unknown as ServerResponse);
      return { response, admitted: ready !== null };
    };
    const [first, second, third] = [ask('/v1/config'), ask('/v1/config'), ask('/v1/config')];
    expect([first.admitted, second.admitted, third.admitted]).toEqual([true, true, false]);
    expect(third.response.status).toBe(429);
    expect(third.response.headers).toMatchObject({ 'Retry-After': 1, 'X-Content-Type-Options': 'nosniff' });
    expect(third.response.body).toBe('Server capacity exceeded.\n');
    expect(refused).toEqual([429]);
    expect(ask('/health/ready').admitted).toBe(true);
    first.response.emit('close');
    expect(ask('/v1/config').admitted).toBe(true);
    expect(ask('/v1/config').admitted).toBe(false);
  });
});

describe('a port', () => {
  const pem = (name: string) =>
    readFileSync(join(import.meta.dirname, '../../../fixtures/tls', name), 'utf8');
  const files = { 'key.pem': pem('key.pem'), 'cert.pem': pem('cert.pem') };
  const env = { OPTIMIZELY_SERVER_KEYFILE: 'key.pem', OPTIMIZELY_SERVER_CERTFILE: 'cert.pem' };

  it('speaks TLS with the certificate it is given, on all sides', async () => {
    const { api, admin } = await startDoor({ env, files });
    expect((await api({ path: '/v1/config', ca: files['cert.pem'] })).status).toBe(200);
    expect((await admin({ path: '/health', ca: files['cert.pem'] })).status).toBe(200);
    await expect(api({ path: '/v1/config' })).rejects.toThrow();
  });

  it('a port does not use ciphers that are disabled, nor TLS before 1.2', async () => {
    const listener = createListener(
      {
        ...LISTENER,
        tls: {
          key: files['key.pem'],
          cert: files['cert.pem'],
          disabledCiphers: ['ECDHE-ECDSA-AES128-GCM-SHA256'],
        },
      },
      () => {},
    );
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void listener.close());
    const { port } = listener.address() as { port: number };
    const handshake = (options: object) =>
      new Promise<string>((resolve) => {
        const socket = tlsConnect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
        socket.on('secureConnect', () => {
          resolve(`${socket.getProtocol()} ${socket.getCipher().name}`);
          socket.destroy();
        });
        socket.on('error', () => resolve('refused'));
      });
    expect(await handshake({ minVersion: 'TLSv1.3' })).toMatch(/^TLSv1\.3 /);
    expect(await handshake({ maxVersion: 'TLSv1.2' })).toBe('TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384');
    expect(await handshake({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' })).toBe(
      'refused',
    );
    expect(await handshake({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' })).toBe('refused');
    expect(
      await handshake({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
    ).toBe('refused');
  });

  it('ends requests that take too long to arrive', async () => {
    const listener = createListener({ ...LISTENER, readTimeoutMs: 100 }, () => {});
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void listener.close());
    const { port } = listener.address() as { port: number };
    const slow: readonly string[][] = [
      ['POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{'],
      // Never quiet, and never done: headers, then a body, byte by byte.
      ['GET / HTTP/1.1\r\n', ...Array.from({ length: 500 }, (_, i) => `x-${i}: y\r\n`)],
      [
        'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 900\r\n\r\n',
        ...Array.from({ length: 500 }, () => 'b'),
      ],
      // Connected, and silent.
      [],
    ];
    const answers = await Promise.all(slow.map((parts) => sendRaw(port, parts, { dripMs: 20 })));
    expect(answers.map(statusOf)).toEqual([408, 408, 408, 408]);
  });

  it('waits without end where there is no limit', () => {
    const { headersTimeout, requestTimeout, timeout } = createListener(
      { ...LISTENER, readTimeoutMs: 0, writeTimeoutMs: 0 },
      () => {},
    );
    expect([headersTimeout, requestTimeout, timeout]).toEqual([0, 0, 0]);
  });

  it('lets go of clients that do not take their answer, but not of idle ones', async () => {
    const big = Buffer.alloc(32 * 1024 * 1024);
    let ended: () => void = () => {};
    const cut = new Promise<void>((resolve) => {
      ended = resolve;
    });
    const listener = createListener({ ...LISTENER, writeTimeoutMs: 200 }, (request, response) => {
      if (request.url === '/stream') {
        response.writeHead(200).flushHeaders();
        setTimeout(() => response.end('news'), 600);
        return;
      }
      response.on('close', ended);
      response.end(big);
    });
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void listener.close());
    const { port } = listener.address() as { port: number };
    const lazy = connect(port, '127.0.0.1');
    lazy.on('error', () => {});
    lazy.pause();
    lazy.write('GET /big HTTP/1.1\r\nhost: x\r\n\r\n');
    expect(await (await fetch(`http://127.0.0.1:${port}/stream`)).text()).toBe('news');
    await cut;
    lazy.destroy();
  });

  it('reports its health at the path that operators know too', async () => {
    const { api, admin } = await startDoor({ env: { OPTIMIZELY_SERVER_HEALTHCHECKPATH: '/healthcheck' } });
    const headers = { host: '10.0.0.1' };
    for (const path of ['/healthcheck', '/HealthCheck?a=b', '/any/where/healthcheck', '/v1/HEALTHCHECK'])
      expect((await api({ path, headers })).json()).toMatchObject({ status: 'ok' });
    expect((await api({ path: '/healthcheck', method: 'HEAD', headers })).status).toBe(200);
    for (const path of ['/xhealthcheck', '/healthcheck/', '/healthchec'])
      expect((await api({ path })).status, path).toBe(404);
    expect((await api({ path: '/healthcheck', method: 'POST', headers })).status).toBe(404);
    expect((await api({ path: '/v1/healthcheck', method: 'POST' })).status).toBe(404);
    expect((await admin({ path: '/healthcheck', headers })).json()).toMatchObject({ status: 'ok' });
    expect((await admin({ path: '/health', headers })).status).toBe(200);
  });

  it('gives request ids back', async () => {
    const { api } = await startDoor();
    for (const id of ['r-1', 'r'.repeat(2_000)]) {
      const { headers } = await api({ path: '/v1/config', headers: { 'X-Request-Id': id } });
      expect(headers['x-request-id']).toBe(id);
    }
  });

  it('makes one for each request that has none, and for each operation of a batch, also of one that has its own', async () => {
    const { api } = await startDoor();
    const ids = [await api({ path: '/v1/config' }), await api({ path: '/v1/config' })].map(
      ({ headers }) => headers['x-request-id'],
    );
    expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(ids[1]).not.toBe(ids[0]);
    const operations = [{ method: 'GET', url: '/v1/config', operationID: '1' }];
    const body = JSON.stringify({ operations });
    const headers = { 'Content-Type': 'application/json', 'X-Request-Id': 'of-the-batch' };
    const batch = await api({ path: '/v1/batch', method: 'POST', headers, body });
    const { response } = batch.json<{ response: { requestID: string }[] }>();
    expect(batch.headers['x-request-id']).toBe('of-the-batch');
    expect(response[0]?.requestID).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
    expect(ids).not.toContain(response[0]?.requestID);
  });

  it('takes SDK keys of the form that was chosen', async () => {
    const { api } = await startDoor({ env: { OPTIMIZELY_CLIENT_SDKKEYREGEX: '^TestKey\\w+$' } });
    expect((await api({ path: '/v1/config' })).status).toBe(200);
    const other = await api({ path: '/v1/config', headers: { 'x-optimizely-sdk-key': 'OtherKey' } });
    expect([other.status, other.json()]).toEqual([400, { error: 'sdkKey failed validation' }]);
  });
});
