// Webhooks of the attacker's making: signed or not, whole or in pieces.

import { request as httpRequest } from 'node:http';
import { SIGNATURE_HEADER, signWebhook } from '../../../../core/webhook.ts';
import { webhookBody } from '../../../../infra/local/stack/client.ts';
import type { Target } from '../target.ts';

const ANSWER_TIMEOUT_MS = 12_000;

export interface PostOptions {
  /** As a text of its own, none at all, or that of the project's secret. */
  readonly signature?: string | readonly string[] | null;
  readonly method?: string;
  /** In place of the webhook's path. */
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** In pieces, without a length. */
  readonly chunked?: boolean;
}

/** The status; 0 when the connection was closed without an answer. */
export function post(
  target: Pick<Target, 'addresses'>,
  body: string | Uint8Array,
  options: PostOptions = {},
): Promise<number> {
  const bytes = Buffer.from(body);
  const { signature = sign(target, bytes), method = 'POST', headers = {}, chunked = false } = options;
  const url = new URL(target.addresses.webhook);
  return new Promise((resolve) => {
    const outgoing = httpRequest(
      {
        ...{ host: url.hostname, port: url.port, path: options.path ?? url.pathname, method },
        timeout: ANSWER_TIMEOUT_MS,
        headers: {
          'content-type': 'application/json',
          ...(chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': bytes.byteLength }),
          ...(signature === null ? {} : { [SIGNATURE_HEADER]: signature as string }),
          ...headers,
        },
      },
      (response) => {
        response.resume();
        response.on('close', () => resolve(response.statusCode ?? 0));
      },
    );
    outgoing.on('timeout', () => outgoing.destroy());
    outgoing.on('error', () => resolve(0));
    outgoing.end(bytes);
  });
}

export const sign = ({ addresses }: Pick<Target, 'addresses'>, body: string | Uint8Array): string =>
  signWebhook(Buffer.from(body), addresses.webhookSecret);

/** As Optimizely words it, for the revision that every agent has. */
export const bodyOf = (target: Target): string =>
  webhookBody(target.addresses, target.good, Math.floor(Date.now() / 1000)).toString();

export interface Payload {
  project_id: unknown;
  event: unknown;
  data: Record<string, unknown>;
  [field: string]: unknown;
}

/** The usual payload with other values in it, as JSON. */
export function payload(target: Target, change: (payload: Payload) => void): string {
  const usual = JSON.parse(bodyOf(target)) as Payload;
  change(usual);
  return JSON.stringify(usual);
}
