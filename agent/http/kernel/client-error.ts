// What is answered to bytes that Node's parser refuses, before there is a request: too large a head, nothing of HTTP, too
// slow. Says which limit it was and how it is raised; Node's own answer has no body.

import type { Socket } from 'node:net';
import type { HttpLimits } from '../../config/config.ts';

/**
 * How long a client that goes on sending may take to read the answer. Closed at once, the connection would be reset under
 * it, and the answer lost.
 */
const LINGER_MS = 500;

/** Node's parser and its request timeout name the reason so. */
type ClientError = Error & { readonly code?: string };

export type OnClientError = (error: ClientError, socket: Socket) => void;

export function createClientErrorHandler(limits: HttpLimits): OnClientError {
  return (error, socket) => {
    // Further bytes of a client that has been answered are passed over.
    if (socket.writableEnded) return;
    if (!socket.writable || hasBegunAnswer(socket)) {
      socket.destroy(error);
      return;
    }
    socket.end(rawAnswer(reasonOf(error, limits)));
    const linger = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => clearTimeout(linger));
  };
}

type Reason = readonly [status: string, error: string];

function reasonOf({ code }: ClientError, { headBytesMax, headersMax }: HttpLimits): Reason {
  if (code === 'HPE_HEADER_OVERFLOW')
    return [
      '431 Request Header Fields Too Large',
      `request line and headers are larger than ${headBytesMax} bytes (FANOUT_HEAD_SIZE_MAX raises this limit), ` +
        `or there are more than ${headersMax} headers (FANOUT_HEADERS_MAX)`,
    ];
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW')
    return ['413 Payload Too Large', 'the extensions of a chunk are too large'];
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return [
      '408 Request Timeout',
      'the request took too long to arrive (OPTIMIZELY_SERVER_READTIMEOUT raises this limit)',
    ];
  return ['400 Bad Request', 'the request is not HTTP that can be read'];
}

/** An answer without a request, so that Node has no response to write it with. */
export function rawAnswer([status, error]: Reason): string {
  const body = JSON.stringify({ error });
  return [
    `HTTP/1.1 ${status}`,
    'Connection: close',
    'Content-Type: application/json; charset=utf-8',
    'X-Content-Type-Options: nosniff',
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}

/** Whether part of an answer to the request before has been sent, which these bytes would spoil. Node's own handler asks so. */
function hasBegunAnswer(socket: Socket): boolean {
  const { _httpMessage } = socket as { _httpMessage?: { headersSent: boolean } | null };
  return _httpMessage?.headersSent === true;
}
