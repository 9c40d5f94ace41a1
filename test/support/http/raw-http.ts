// A request byte by byte, as no client library would send it.

import { connect } from 'node:net';

export interface RawOptions {
  /** Sent one after another, this far apart. */
  readonly dripMs?: number;
}

/** All that the server answers until it closes. Without an end of its own, say `Connection: close`. */
export function sendRaw(
  port: number,
  parts: readonly string[],
  { dripMs = 0 }: RawOptions = {},
): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    let sent = 0;
    const drip = setInterval(() => {
      const part = parts[sent++];
      if (part !== undefined && socket.writable) socket.write(part);
    }, dripMs);
    socket.on('data', (chunk) => {
      text += chunk;
    });
    // Cut off in the middle: what was answered before still counts.
    socket.on('error', () => {});
    socket.on('close', () => {
      clearInterval(drip);
      resolve(text);
    });
  });
}

/** The status of the first answer; 0 where there was none. */
export const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
