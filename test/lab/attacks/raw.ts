// Bytes on a socket as no HTTP client would send them, and what comes back until the other side is quiet or gone.

import { createConnection, type Socket } from 'node:net';

const QUIET_MS = 100;
const WAIT_MAX_MS = 5_000;

export interface RawAnswer {
  readonly text: string;
  /** Of each answer that was there, in order. */
  readonly statuses: readonly number[];
  /** The other side closed. */
  readonly closed: boolean;
}

export interface RawOptions {
  /** How long nothing must come before it counts as all. */
  readonly quietMs?: number;
  readonly waitMaxMs?: number;
}

/** Sends `parts` one after another. Never rejects: a reset is an answer too. */
export function raw(url: string, parts: string | Buffer, options: RawOptions = {}): Promise<RawAnswer> {
  const { quietMs = QUIET_MS, waitMaxMs = WAIT_MAX_MS } = options;
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = open(url);
    let quiet: NodeJS.Timeout | undefined;
    const end = (closed: boolean) => {
      clearTimeout(quiet);
      clearTimeout(limit);
      socket.destroy();
      const text = Buffer.concat(chunks).toString('latin1');
      resolve({ text, statuses: statusesIn(text), closed });
    };
    const limit = setTimeout(() => end(false), waitMaxMs);
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      clearTimeout(quiet);
      quiet = setTimeout(() => end(false), quietMs);
    });
    socket.on('error', () => {}); // `close` follows.
    socket.once('close', () => end(true));
    socket.write(parts);
  });
}

/** A socket to the URL's host; errors are the caller's. */
export function open(url: string): Socket {
  const { hostname, port } = new URL(url);
  return createConnection({ host: hostname, port: Number(port), noDelay: true });
}

const statusesIn = (text: string): number[] =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));

/** One request with these header lines; Content-Length only where the lines say so. */
export const request = (line: string, headers: readonly string[], body = ''): string =>
  `${[`${line} HTTP/1.1`, ...headers].join('\r\n')}\r\n\r\n${body}`;
