// The listener of a port: HTTP, or HTTPS where a certificate is configured, with limits on how long a client may take, and
// on what it may send before its body. Knows nothing of routes.

import { createServer, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { HEADER_BYTES_MAX, HEADERS_MAX } from '../../core/http-limits.ts';
import { TLS12_CIPHERS } from '../config/read-front-door.ts';
import type { ServerSettings, TlsSettings } from '../config.ts';
import { BodyRequest } from './body-request.ts';

/** Longer than the idle time-outs of usual load balancers, or they would meet a closed connection. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000;
/** Node looks for slow requests only so often; its own 30 s would let a limit of 5 s grow to 35. */
const SLOW_CHECK_INTERVAL_MS = 1_000;
/** Of a port. Beyond it nobody is listened to: each costs some 20 KB, and a file descriptor. */
const CONNECTIONS_MAX = 10_000;
/** What TLS 1.3 has; none is weak. */
const TLS13_CIPHERS = ['TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256'];

export type Timeouts = Pick<ServerSettings, 'readTimeoutMs' | 'writeTimeoutMs' | 'tls'>;

/** A server that does not listen yet. */
export function createListener(
  { readTimeoutMs, writeTimeoutMs, tls }: Timeouts,
  onRequest: (request: BodyRequest, response: ServerResponse<BodyRequest>) => void,
): Server {
  const options = {
    headersTimeout: readTimeoutMs,
    requestTimeout: readTimeoutMs,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    connectionsCheckingInterval: SLOW_CHECK_INTERVAL_MS,
    maxHeaderSize: HEADER_BYTES_MAX,
    noDelay: true,
    IncomingMessage: BodyRequest,
  };
  const server =
    tls === null
      ? createServer(options, onRequest)
      : createTlsServer({ ...options, ...tlsOptions(tls) }, onRequest);
  server.maxConnections = CONNECTIONS_MAX;
  server.maxHeadersCount = HEADERS_MAX;
  // Idle is allowed: streams wait for news. A client that does not take what it was sent is not.
  server.setTimeout(writeTimeoutMs, (socket: Socket | ServerResponse) => {
    if (socket.writableLength > 0) socket.destroy();
  });
  return server;
}

/** As the original: TLS 1.2 at least, with forward secrecy and authenticated ciphers only. */
const tlsOptions = ({ key, cert, disabledCiphers }: TlsSettings) => ({
  ...{ key, cert },
  minVersion: 'TLSv1.2' as const,
  ciphers: [
    ...TLS13_CIPHERS,
    ...Object.values(TLS12_CIPHERS).filter((it) => !disabledCiphers.includes(it)),
  ].join(':'),
});
