// The receiver's HTTP against real sockets.

import { request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { WEBHOOK_BODY_BYTES_MAX } from '../../../core/webhook.ts';
import { createHttpServer } from '../../../functions/receiver/http-server.ts';
import type { WebhookAnswer, WebhookRequest } from '../../../functions/webhook/http-event.ts';
import { realClock } from '../../../io/real-clock.ts';
import { sendRaw, statusOf } from '../../support/http/raw-http.ts';

async function serverWith(webhook: (request: WebhookRequest) => Promise<WebhookAnswer>) {
  const seen: WebhookRequest[] = [];
  const server = createHttpServer(
    {
      webhook: (request) => {
        seen.push(request);
        return webhook(request);
      },
      isReady: () => false,
      metrics: async () => ({ contentType: 'text/plain', text: 'one 1\n' }),
    },
    realClock(Date.now),
  );
  const port = await server.listen('127.0.0.1', 0);
  onTestFinished(() => server.close(0));
  return { seen, server, port, url: `http://127.0.0.1:${port}` };
}

it('hands over the exact bytes and the signature, and answers with the status alone where there is no body', async () => {
  const { url, seen } = await serverWith(async () => ({ status: 204 }));
  const body = Buffer.from('{"a": "ü"}');
  const response = await fetch(`${url}/webhooks/optimizely?x=1`, {
    method: 'POST',
    headers: { 'x-hub-signature': ' sha1=aa ' },
    body,
  });
  expect(response.status).toBe(204);
  expect(seen[0]).toMatchObject({
    method: 'POST',
    path: '/webhooks/optimizely',
    signature: 'sha1=aa',
    requestId: '',
  });
  expect(Buffer.from(seen[0]?.rawBody ?? [])).toEqual(body);
});

it('says what it is told to say, and which methods it takes', async () => {
  const body = { code: 'METHOD_REFUSED', error: 'no', remedy: 'POST' };
  const { url } = await serverWith(async () => ({ status: 405, body }));
  const response = await fetch(url, { method: 'PUT' });
  expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
  expect(await response.json()).toEqual(body);
});

it.each([
  ['declared', { 'content-length': String(WEBHOOK_BODY_BYTES_MAX + 1) }],
  ['streamed', { 'transfer-encoding': 'chunked' }],
])(
  'reads no more than the limit of a body that is too long (%s), answers, and hangs up',
  async (_, headers) => {
    const { port, seen } = await serverWith(async () => ({ status: 413 }));
    const answer = await new Promise<{ status: number | undefined; connection: string | undefined }>(
      (resolve, reject) => {
        const request = httpRequest({ port, host: '127.0.0.1', method: 'POST', headers }, (response) => {
          response.resume();
          resolve({ status: response.statusCode, connection: response.headers.connection });
        });
        request.on('error', reject);
        request.write(Buffer.alloc(WEBHOOK_BODY_BYTES_MAX + 1));
      },
    );
    expect(answer).toEqual({ status: 413, connection: 'close' });
    expect(seen[0]?.rawBody).toBeNull();
  },
);

it('tells health and metrics apart from webhooks', async () => {
  const { url, seen } = await serverWith(async () => ({ status: 404 }));
  const statuses = await Promise.all(
    ['/health/live', '/health/ready', '/metrics', '/other'].map(
      async (path) => (await fetch(url + path)).status,
    ),
  );
  expect(statuses).toEqual([200, 503, 200, 404]);
  expect(seen.map(({ path }) => path)).toEqual(['/other']);
});

it('takes a target with scheme and host for its path, and no request of two hosts', async () => {
  const { port, seen } = await serverWith(async () => ({ status: 204 }));
  const post = (target: string, more = '') =>
    sendRaw(port, [
      `POST ${target} HTTP/1.1\r\nHost: a.example\r\n${more}Content-Length: 2\r\nConnection: close\r\n\r\n{}`,
    ]);
  expect(statusOf(await post('http://b.example/webhooks/optimizely?x=1'))).toBe(204);
  expect(seen).toMatchObject([{ path: '/webhooks/optimizely' }]);
  const refused = await post('/webhooks/optimizely', 'Host: b.example\r\n');
  expect(statusOf(refused)).toBe(400);
  expect(refused).toContain('REQUEST_AMBIGUOUS');
  expect(seen).toHaveLength(1);
});

it('answers webhooks and probes while strangers hold every place with bodies that they do not finish', async () => {
  const { port, url } = await serverWith(async () => ({ status: 204 }));
  const half = 'POST /webhooks/optimizely HTTP/1.1\r\nhost: x\r\ncontent-length: 300\r\n\r\nh';
  const strangers: Socket[] = [];
  onTestFinished(() => {
    for (const socket of strangers) socket.destroy();
  });
  // Eight more than the receiver has connections for.
  for (let i = 0; i < 520; i++) {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    strangers.push(socket);
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.write(i % 2 === 0 ? half : '');
  }
  const signed = await fetch(`${url}/webhooks/optimizely`, { method: 'POST', body: '{}' });
  expect([signed.status, (await fetch(`${url}/health/live`)).status]).toEqual([204, 200]);
});

it('survives a caller that goes away in the middle', async () => {
  const { port, url } = await serverWith(async () => ({ status: 204 }));
  const socket = connect(port, '127.0.0.1');
  socket.write('POST /webhooks/optimizely HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf');
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.destroy();
  expect((await fetch(`${url}/health/live`)).status).toBe(200);
});

it('cuts off clients that send too slowly: headers or a body, byte by byte, or nothing at all', async () => {
  const routes = {
    webhook: async () => ({ status: 204 }),
    isReady: () => true,
    metrics: async () => ({ contentType: 'text/plain', text: '' }),
  };
  const server = createHttpServer(routes, realClock(Date.now), { headersTimeout: 100, requestTimeout: 100 });
  const port = await server.listen('127.0.0.1', 0);
  onTestFinished(() => server.close(0));
  const endless = (first: string, each: string) => [first, ...Array.from({ length: 500 }, () => each)];
  const slow = [
    endless('GET /metrics HTTP/1.1\r\n', 'x: y\r\n'),
    endless('POST /webhooks/optimizely HTTP/1.1\r\nhost: x\r\ncontent-length: 900\r\n\r\n', 'b'),
    [],
  ];
  const answers = await Promise.all(slow.map((parts) => sendRaw(port, parts, { dripMs: 20 })));
  for (const answer of answers) expect([0, 408]).toContain(statusOf(answer));
});
