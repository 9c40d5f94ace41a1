// Forwards a webhook to the receiver byte for byte, and answers with its answer. So Optimizely may go on
// calling the agent's port while every agent gets the change.

import type { IncomingHttpHeaders } from 'node:http';
import { errorFields, FanoutError, messageOf } from '../../core/errors.ts';
import { readWithin } from '../../core/http/read-within.ts';
import { basicAuthorization, takeUserInfo } from '../../core/http/user-info.ts';
import type { Log } from '../../core/log.ts';
import { WEBHOOK_BODY_BYTES_MAX } from '../../core/webhook.ts';
import type { Exchange } from '../http/kernel/exchange.ts';

/** The receiver fetches the new datafile before it answers. */
const REQUEST_TIMEOUT_MS = 20_000;
const ANSWER_BYTES_MAX = 64 * 1024;
/** Of one connection only, or made anew for the next one (RFC 9110, 7.6.1). */
const HOP_HEADERS: ReadonlySet<string> = new Set([
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer'],
  ...['transfer-encoding', 'upgrade', 'expect', 'host', 'content-length', 'accept-encoding'],
]);

export interface ForwardDeps {
  readonly receiverUrl: string;
  readonly log: Log;
}

export function forwardWebhook({ receiverUrl, log }: ForwardDeps) {
  return async (exchange: Exchange): Promise<void> => {
    if (exchange.body.byteLength > WEBHOOK_BODY_BYTES_MAX) {
      exchange.error(413, `a webhook is at most ${WEBHOOK_BODY_BYTES_MAX} bytes`);
      return;
    }
    try {
      const { status, contentType, body } = await send(receiverUrl, exchange);
      log.info('webhook.answered', { status, by: 'receiver' });
      if (body.byteLength === 0) exchange.empty(status);
      else exchange.bytes(status, contentType, body);
    } catch (error) {
      log.error('webhook.rejected', errorFields(error));
      exchange.error(502, 'the receiver of webhooks does not answer');
    }
  };
}

/** @throws FanoutError RECEIVER_FAILED */
async function send(receiverUrl: string, exchange: Exchange) {
  try {
    const { url, credentials } = takeUserInfo(receiverUrl);
    const headers = headersOf(exchange.request.headers);
    if (credentials !== null && !headers.some(([name]) => name === 'authorization'))
      headers.push(['authorization', basicAuthorization(credentials)]);
    const response = await fetch(url, {
      method: 'POST',
      headers,
      // What is signed is the bytes: they are not touched.
      body: new Uint8Array(exchange.body),
      redirect: 'error',
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    const body = Buffer.from(await readWithin(response.body, ANSWER_BYTES_MAX, tooLarge));
    const contentType = response.headers.get('content-type') ?? 'application/octet-stream';
    return { status: response.status, contentType, body };
  } catch (cause) {
    throw new FanoutError({
      code: 'RECEIVER_FAILED',
      message: `The receiver of webhooks does not answer: ${messageOf((cause as Error).cause ?? cause)}`,
      remedy: 'Check FANOUT_RECEIVER_URL and the function behind it; reconcile finds the change meanwhile.',
      retryable: true,
      cause,
    });
  }
}

const tooLarge = () => new Error(`it answers more than ${ANSWER_BYTES_MAX} bytes`);

function headersOf(headers: IncomingHttpHeaders): [string, string][] {
  return Object.entries(headers).flatMap(([name, value]) => {
    if (value === undefined || HOP_HEADERS.has(name)) return [];
    return [value].flat().map((one): [string, string] => [name, one]);
  });
}
