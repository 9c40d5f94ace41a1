// Requests to an agent's API as an attacker sends them with a client of his own.

import { request } from 'node:http';

/** Only ends what hangs. */
const ANSWER_TIMEOUT_MS = 45_000;

export interface Asked {
  /** 0 when the connection was closed without an answer. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export interface AskOptions {
  /** The client's address, of this machine; left out: the usual one. */
  readonly from?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
}

/** Never rejects. */
export function ask(base: string, path: string, options: AskOptions = {}): Promise<Asked> {
  const { method = options.body === undefined ? 'GET' : 'POST', headers = {}, body, from } = options;
  const { hostname, port } = new URL(base);
  const none: Asked = { status: 0, headers: {}, text: '' };
  return new Promise((resolve) => {
    try {
      const outgoing = request(
        {
          host: hostname,
          port,
          path,
          method,
          headers: headers as Record<string, string>,
          timeout: ANSWER_TIMEOUT_MS,
          ...(from === undefined ? {} : { localAddress: from }),
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('close', () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              text: Buffer.concat(chunks).toString(),
            }),
          );
        },
      );
      outgoing.on('timeout', () => outgoing.destroy());
      outgoing.on('error', () => resolve(none));
      outgoing.end(body);
    } catch {
      resolve(none); // A header or path that this client will not send; raw.ts would.
    }
  });
}

export const jsonHeaders = (sdkKey: string): Record<string, string> => ({
  'content-type': 'application/json',
  'x-optimizely-sdk-key': sdkKey,
});
