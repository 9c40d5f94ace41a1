// Configuration of the local nats-server: JetStream on disk, WebSocket without TLS, loopback only.

import { LOOPBACK_HOST } from './http.ts';

export interface NatsOptions {
  readonly port: number;
  readonly wsPort: number;
  readonly storeDir: string;
  /** The server's default is 1 MiB; tests of oversized datafiles set less. */
  readonly payloadBytesMax?: number | undefined;
  /** Added as it is: accounts and users, for example. Default: every client may do everything. */
  readonly more?: string | undefined;
}

export function natsConfig({ port, wsPort, storeDir, payloadBytesMax, more }: NatsOptions): string {
  return [
    `listen: "${LOOPBACK_HOST}:${port}"`,
    payloadBytesMax === undefined ? '' : `max_payload: ${payloadBytesMax}`,
    // Without the space 2.9 reads `jetstream{` as a word.
    'jetstream {',
    `  store_dir: ${JSON.stringify(storeDir)}`,
    '}',
    'websocket {',
    `  host: "${LOOPBACK_HOST}"`,
    `  port: ${wsPort}`,
    // The server refuses a WebSocket without TLS unless told.
    '  no_tls: true',
    '}',
    more ?? '',
    '',
  ].join('\n');
}
