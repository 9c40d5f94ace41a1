// Between API Gateway's HTTP API (payload 2.0) and the request that the webhook's code takes. Decides only whether a body
// is larger than the limit, before it is decoded.

import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { SIGNATURE_HEADER, WEBHOOK_BODY_BYTES_MAX } from '../../core/webhook.ts';

export interface WebhookRequest {
  readonly method: string;
  /** Without the stage's prefix. */
  readonly path: string;
  /** The raw bytes, or null when they are more than WEBHOOK_BODY_BYTES_MAX. */
  readonly rawBody: Uint8Array | null;
  /** Empty when the header is absent. */
  readonly signature: string;
  readonly requestId: string;
}

export interface WebhookAnswer {
  readonly status: number;
  /** When to come again, in seconds. */
  readonly retryAfterS?: number;
  /** Absent where there is nothing to say. */
  readonly body?: { readonly code: string; readonly error: string; readonly remedy: string };
}

export function requestOf(event: APIGatewayProxyEventV2): WebhookRequest {
  const { http, stage, requestId } = event.requestContext;
  const prefix = `/${stage}`;
  const path = event.rawPath.startsWith(`${prefix}/`) ? event.rawPath.slice(prefix.length) : event.rawPath;
  return {
    method: http.method,
    path,
    rawBody: rawBodyOf(event.body ?? '', event.isBase64Encoded),
    signature: headerOf(event.headers, SIGNATURE_HEADER),
    requestId,
  };
}

export function responseOf(answer: WebhookAnswer): APIGatewayProxyStructuredResultV2 {
  const { status, body } = answer;
  const headers = headersOf(answer);
  if (body === undefined) return { statusCode: status, headers };
  return {
    statusCode: status,
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  };
}

/** Beside the content's type. */
export const headersOf = ({ status, retryAfterS }: WebhookAnswer): Record<string, string> => ({
  ...(status === 405 && { allow: 'POST' }),
  ...(retryAfterS !== undefined && { 'retry-after': String(retryAfterS) }),
});

function rawBodyOf(body: string, isBase64: boolean): Uint8Array | null {
  const encoding = isBase64 ? 'base64' : 'utf8';
  // Both lengths are known without decoding.
  if (Buffer.byteLength(body, encoding) > WEBHOOK_BODY_BYTES_MAX) return null;
  return Buffer.from(body, encoding);
}

/** API Gateway lower-cases header names; local callers need not. */
function headerOf(headers: Readonly<Record<string, string | undefined>>, name: string): string {
  const entry = Object.entries(headers ?? {}).find(([key]) => key.toLowerCase() === name);
  return entry?.[1]?.trim() ?? '';
}
