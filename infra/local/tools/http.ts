// What every local server needs of node:http: listen on loopback, read a body with a limit, answer. Knows
// nothing of what is served.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf } from '../../../core/errors.ts';

/** Nothing local is meant to be reached from another machine: no stand-in checks credentials. */
export const LOOPBACK_HOST = '127.0.0.1';

export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export interface HttpServer {
  /** For example `http://127.0.0.1:41234`, no trailing slash. */
  readonly url: string;
  readonly port: number;
  /** Stops accepting and cuts open connections. */
  close(): Promise<void>;
}

/** A body that is longer than the reader takes. */
export class BodyTooLargeError extends Error {
  override readonly name = 'BodyTooLargeError';
}

/** Listens on loopback; port 0 takes a free one. Rejects with node's own error when the port is taken. */
export async function serveHttp(handler: HttpHandler, port: number): Promise<HttpServer> {
  const server = createServer((request, response) => {
    handler(request, response).catch((error: unknown) => {
      process.stderr.write(`${request.method} ${pathOf(request)} failed: ${messageOf(error)}\n`);
      if (response.headersSent) response.destroy();
      else answerJson(response, 500, { error: messageOf(error) });
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, LOOPBACK_HOST, () => resolve());
  });
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `http://${LOOPBACK_HOST}:${bound}`,
    port: bound,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** @throws BodyTooLargeError when more than `bytesMax` bytes arrive. */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw new BodyTooLargeError(`The body is longer than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export function answer(
  response: ServerResponse,
  status: number,
  headers: Record<string, string> = {},
  body: Uint8Array | string = '',
): void {
  response.writeHead(status, headers);
  response.end(body);
}

export function answerJson(response: ServerResponse, status: number, value: unknown): void {
  answer(response, status, { 'content-type': 'application/json' }, `${JSON.stringify(value)}\n`);
}

/** The path as sent: not decoded, since `%2B` and `%252B` are different names. */
export const pathOf = (request: IncomingMessage): string => (request.url ?? '/').split('?', 1)[0] as string;

export function queryOf(request: IncomingMessage): URLSearchParams {
  const url = request.url ?? '/';
  const mark = url.indexOf('?');
  return new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1));
}
