// The listener of a port: HTTP, or HTTPS where a certificate is configured, with limits on how long a client may take, and
// on what it may send before its body. Knows nothing of routes.

import { createServer, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { settleTarget } from '../../../core/http/request-target.ts';
import { limitConnections } from '../../../io/http/connection-limit.ts';
import type { HttpLimits, ServerSettings, TlsSettings } from '../../config/config.ts';
import { TLS12_CIPHERS } from '../../config/read/front-door.ts';
import { BodyRequest } from '../kernel/body-request.ts';
import { createClientErrorHandler } from '../kernel/client-error.ts';

/** Longer than the idle time-outs of usual load balancers, or they would meet a closed connection. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000;
/** Node looks for slow requests only so often; its own 30 s would let a limit of 5 s grow to 35. */
const SLOW_CHECK_INTERVAL_MS = 1_000;
/** Of a port: each costs some 20 KB, and a file descriptor. Beyond it silent ones make way for those that ask. */
const CONNECTIONS_MAX = 10_000;
/** What TLS 1.3 has; none is weak. */
const TLS13_CIPHERS = ['TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256'];

export type ListenerSettings = HttpLimits & Pick<ServerSettings, 'readTimeoutMs' | 'writeTimeoutMs' | 'tls'>;

/** A server that does not listen yet. */
export function createListener(
  settings: ListenerSettings,
  onRequest: (request: BodyRequest, response: ServerResponse<BodyRequest>) => void,
  connectionsMax = CONNECTIONS_MAX,
): Server {
  const { readTimeoutMs, writeTimeoutMs, tls, headBytesMax, headersMax } = settings;
  const listener = (request: BodyRequest, response: ServerResponse<BodyRequest>): void => {
    if (settleTarget(request)) onRequest(request, response);
    else refuseHost(response);
  };
  const options = {
    headersTimeout: readTimeoutMs,
    requestTimeout: readTimeoutMs,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    connectionsCheckingInterval: SLOW_CHECK_INTERVAL_MS,
    maxHeaderSize: headBytesMax,
    noDelay: true,
    IncomingMessage: BodyRequest,
  };
  const server =
    tls === null
      ? createServer(options, listener)
      : createTlsServer({ ...options, ...tlsOptions(tls) }, listener);
  limitConnections(server, connectionsMax);
  server.maxHeadersCount = headersMax;
  server.on('clientError', createClientErrorHandler(settings));
  // Idle is allowed: streams wait for news. A client that does not take what it was sent is not.
  server.setTimeout(writeTimeoutMs, (socket: Socket | ServerResponse) => {
    if (socket.writableLength > 0) socket.destroy();
  });
  return server;
}

/** What follows may have been meant for whom the other header names. */
function refuseHost(response: ServerResponse): void {
  const body = JSON.stringify({ error: 'a request must have one Host header, which names a host' });
  response.writeHead(400, {
    Connection: 'close',
    'Content-Type': 'application/json; charset=utf-8',
    'X-Content-Type-Options': 'nosniff',
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(body);
}

/** As the original: TLS 1.2 at least, with forward secrecy and authenticated ciphers only. */
const tlsOptions = ({ key, cert, disabledCiphers }: TlsSettings) => ({
  key,
  cert,
  minVersion: 'TLSv1.2' as const,
  ciphers: [
    ...TLS13_CIPHERS,
    ...Object.values(TLS12_CIPHERS).filter((it) => !disabledCiphers.includes(it)),
  ].join(':'),
});
