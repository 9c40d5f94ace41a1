// Bodies arrive as they were sent, base64 or not, and the size limit is judged on the raw bytes.

import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { verifySignature } from '../../../core/webhook.ts';
import { requestOf, responseOf } from '../../../functions/webhook/http-event.ts';
import { GOLDEN } from '../../fixtures/golden-webhook.ts';

function eventOf(more: Partial<APIGatewayProxyEventV2> = {}, stage = '$default'): APIGatewayProxyEventV2 {
  return {
    rawPath: '/webhooks/optimizely',
    headers: { 'x-hub-signature': GOLDEN.signature },
    body: GOLDEN.body,
    isBase64Encoded: false,
    requestContext: { stage, requestId: 'r1', http: { method: 'POST' } },
    ...more,
  } as APIGatewayProxyEventV2;
}

const base64 = (text: string | Buffer): string => Buffer.from(text).toString('base64');
const LIMIT = 64 * 1024;

describe('a request', () => {
  it.each([
    ['as text', eventOf()],
    ['as base64', eventOf({ body: base64(GOLDEN.body), isBase64Encoded: true })],
    ['with a header in another case', eventOf({ headers: { 'X-Hub-Signature': GOLDEN.signature } })],
  ])('keeps its raw bytes %s', (_, event) => {
    const { rawBody, signature, method, path } = requestOf(event);
    expect(verifySignature(rawBody as Uint8Array, signature, [GOLDEN.secret])).toBe(true);
    expect({ method, path }).toEqual({ method: 'POST', path: '/webhooks/optimizely' });
  });

  it.each([
    ['text', 'x'.repeat(LIMIT), false, LIMIT],
    ['text', 'x'.repeat(LIMIT + 1), false, null],
    ['text of two-byte characters', 'é'.repeat(LIMIT / 2 + 1), false, null],
    ['base64', base64(Buffer.alloc(LIMIT)), true, LIMIT],
    ['base64', base64(Buffer.alloc(LIMIT + 1)), true, null],
  ])('a request of %s is taken up to 64 KiB and no further (%#)', (_, body, isBase64Encoded, bytes) => {
    expect(requestOf(eventOf({ body, isBase64Encoded })).rawBody?.byteLength ?? null).toBe(bytes);
  });

  it('without a body or headers is empty rather than an error', () => {
    const { body: _, ...bare } = eventOf();
    const request = requestOf({ ...bare, headers: undefined } as unknown as APIGatewayProxyEventV2);
    expect(request).toMatchObject({ rawBody: Buffer.alloc(0), signature: '' });
  });

  it("loses its stage's prefix", () => {
    const event = eventOf({ rawPath: '/prod/webhooks/optimizely' }, 'prod');
    expect(requestOf(event).path).toBe('/webhooks/optimizely');
  });
});

describe('a response', () => {
  it('a response has a JSON body only when there is something to say', () => {
    expect(responseOf({ status: 204 })).toEqual({ statusCode: 204, headers: {} });
    const body = { code: 'C', error: 'e', remedy: 'r' };
    expect(responseOf({ status: 401, body })).toEqual({
      statusCode: 401,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  });

  it('names the method that is allowed', () => {
    expect(responseOf({ status: 405 }).headers).toEqual({ allow: 'POST' });
  });
});
