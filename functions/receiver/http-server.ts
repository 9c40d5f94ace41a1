// The receiver's HTTP: bytes in, answers out, with a limit on everything that a stranger may send. Knows nothing of the meaning
// of a webhook.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../core/clock.ts';
import { HEADER_BYTES_MAX, HEADERS_MAX } from '../../core/http/http-limits.ts';
import { settleTarget } from '../../core/http/request-target.ts';
import { SIGNATURE_HEADER, WEBHOOK_BODY_BYTES_MAX } from '../../core/webhook.ts';
import { limitConnections } from '../../io/http/connection-limit.ts';
import { headersOf, type WebhookAnswer, type WebhookRequest } from '../webhook/http-event.ts';

const HEADERS_TIMEOUT_MS = 5_000;
/** For the request to arrive whole; real webhooks are one packet. */
const REQUEST_TIMEOUT_MS = 10_000;
/** Longer than load balancers keep an idle connection (AWS's: 60 s), so that they never send into a closing one. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
const CONNECTIONS_CHECK_MS = 1_000;
/** Each holds at most one body of WEBHOOK_BODY_BYTES_MAX. At the limit a silent connection makes way for a new one. */
const CONNECTIONS_MAX = 512;

export interface Routes {
  /** Must not reject. */
  webhook(request: WebhookRequest): Promise<WebhookAnswer>;
  isReady(): boolean;
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>;
}

export interface HttpServer {
  /** Resolves with the port. Rejects with node's own error when it is taken. */
  listen(host: string, port: number): Promise<number>;
  /** Takes no new connection; resolves when the requests under way are answered, or `graceMs` passed. */
  close(graceMs: number): Promise<void>;
}

/** @param timeouts for a request to arrive; other ones in tests only */
export function createHttpServer(
  routes: Routes,
  clock: Clock,
  timeouts = { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
): HttpServer {
  const options = {
    ...timeouts,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    connectionsCheckingInterval: CONNECTIONS_CHECK_MS,
    maxHeaderSize: HEADER_BYTES_MAX,
  };
  let isClosing = false;
  const server = createServer(options, (request, response) => {
    if (!settleTarget(request)) {
      response.setHeader('connection', 'close');
      return answerJson(response, 400, NOT_ONE_HOST);
    }
    const path = (request.url ?? '/').split('?', 1)[0] as string;
    const isProbe = request.method === 'GET' || request.method === 'HEAD';
    if (isProbe && path === '/health/live') return answerJson(response, 200, { status: 'ok' });
    if (isProbe && path === '/health/ready') {
      const isReady = routes.isReady();
      return answerJson(response, isReady ? 200 : 503, { status: isReady ? 'ready' : 'not-ready' });
    }
    if (isProbe && path === '/metrics') {
      return void routes.metrics().then(({ contentType, text }) => {
        answer(response, 200, { 'content-type': contentType }, text);
      });
    }
    void answerWebhook(routes, request, response, path, () => isClosing);
  });
  limitConnections(server, CONNECTIONS_MAX);
  server.maxHeadersCount = HEADERS_MAX;
  return {
    listen: (host, port) => listen(server, host, port),
    close: (graceMs) => {
      isClosing = true;
      return close(server, clock, graceMs);
    },
  };
}

const NOT_ONE_HOST = {
  code: 'REQUEST_AMBIGUOUS',
  error: 'a request must have one Host header, which names a host',
  remedy: 'Have the client, or the proxy before the receiver, send one.',
};

async function answerWebhook(
  routes: Routes,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  isClosing: () => boolean,
): Promise<void> {
  let rawBody: Uint8Array | null;
  try {
    rawBody = await readBody(request);
  } catch {
    // The caller went away, or was too slow and has been cut off: it takes no answer.
    response.destroy();
    return;
  }
  const signature = request.headers[SIGNATURE_HEADER];
  const given = await routes.webhook({
    method: request.method ?? '',
    path,
    rawBody,
    signature: typeof signature === 'string' ? signature.trim() : '',
    // A caller's own id is not taken: strangers must not name the log lines of a change.
    requestId: '',
  });
  const { status, body } = given;
  for (const [name, value] of Object.entries(headersOf(given))) response.setHeader(name, value);
  // The rest of a body that is too large is not read; and a connection kept alive would hold up the end.
  if (rawBody === null || isClosing()) response.setHeader('connection', 'close');
  if (body === undefined) answer(response, status, {}, '');
  else answerJson(response, status, body);
}

/** The raw bytes, or null as soon as they are more than WEBHOOK_BODY_BYTES_MAX. */
async function readBody(request: IncomingMessage): Promise<Uint8Array | null> {
  if (Number(request.headers['content-length'] ?? 0) > WEBHOOK_BODY_BYTES_MAX) return null;
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop must not close the socket: it still carries the answer.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > WEBHOOK_BODY_BYTES_MAX) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function answer(
  response: ServerResponse,
  status: number,
  headers: Record<string, string>,
  body: string,
): void {
  response.writeHead(status, headers);
  response.end(body);
}

const answerJson = (response: ServerResponse, status: number, value: object): void =>
  answer(response, status, { 'content-type': 'application/json' }, `${JSON.stringify(value)}\n`);

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

function close(server: Server, clock: Clock, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.after(graceMs, () => server.closeAllConnections());
    server.close(() => {
      timer.cancel();
      resolve();
    });
    server.closeIdleConnections();
  });
}
