import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  createLambdaHost,
  type LambdaHandler,
  type LambdaTrigger,
  loadHandler,
} from '../../../../infra/local/aws/lambda-host.ts';
import { serveHttp } from '../../../../infra/local/tools/http.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { tempDir } from '../../../support/temp-dir.ts';

async function host(trigger: LambdaTrigger, handler: LambdaHandler) {
  const clock = new ManualClock();
  const server = await serveHttp(
    createLambdaHost(handler, { functionName: 'probe', trigger, timeoutMs: 10_000, clock }),
    0,
  );
  onTestFinished(() => server.close());
  return { clock, url: server.url };
}

/** Answers with the event it got. */
const echo: LambdaHandler = (event) => ({ statusCode: 200, body: JSON.stringify(event) });
const eventOf = async (response: Response) => (await response.json()) as APIGatewayProxyEventV2;

describe('a function behind the HTTP API', () => {
  it('gets the payload 2.0 event: raw path, query, lower-case headers, method, source', async () => {
    const { url } = await host('http', echo);
    const response = await fetch(`${url}/webhooks/optimizely?a=1&b=x%20y`, {
      method: 'POST',
      headers: { 'X-Hub-Signature': 'sha1=00', 'Content-Type': 'application/json' },
      body: '{"a": 1}',
    });
    expect(await eventOf(response)).toMatchObject({
      version: '2.0',
      rawPath: '/webhooks/optimizely',
      queryStringParameters: { a: '1', b: 'x y' },
      headers: { 'x-hub-signature': 'sha1=00', 'content-type': 'application/json' },
      requestContext: {
        http: { method: 'POST', path: '/webhooks/optimizely' },
        requestId: expect.any(String),
      },
      body: '{"a": 1}',
      isBase64Encoded: false,
    });
  });

  it.each([
    ['application/octet-stream', Buffer.from('plain')],
    ['application/x-www-form-urlencoded', Buffer.from('a=1')],
    ['application/json', Buffer.from([0x7b, 0xff, 0x7d])],
  ])('gets a body of %s that is not text as base64', async (type, bytes) => {
    const { url } = await host('http', echo);
    const event = await eventOf(
      await fetch(url, { method: 'POST', headers: { 'content-type': type }, body: new Uint8Array(bytes) }),
    );
    expect([event.isBase64Encoded, Buffer.from(event.body ?? '', 'base64')]).toEqual([true, bytes]);
  });

  it('answers with its status, headers and body, base64 or not', async () => {
    const { url } = await host('http', () => ({
      statusCode: 202,
      headers: { 'X-Change-Id': 'c1' },
      body: Buffer.from('queued').toString('base64'),
      isBase64Encoded: true,
    }));
    const response = await fetch(url);
    expect([response.status, response.headers.get('x-change-id'), await response.text()]).toEqual([
      202,
      'c1',
      'queued',
    ]);
  });

  it('a function behind the HTTP API may answer 204 without a body, and any object as JSON', async () => {
    expect((await fetch((await host('http', () => ({ statusCode: 204 }))).url)).status).toBe(204);
    expect(await (await fetch((await host('http', () => ({ a: 1 }))).url)).json()).toEqual({ a: 1 });
  });

  it('a function behind the HTTP API is 500 to its caller, with no detail, when it throws', async () => {
    const { url } = await host('http', () => {
      throw new Error('with a secret in it');
    });
    const response = await fetch(url);
    expect([response.status, await response.json()]).toEqual([500, { message: 'Internal Server Error' }]);
  });
});

describe('a function that is invoked', () => {
  it('gets the event and a context as Lambda makes it', async () => {
    let seen: Context | undefined;
    const { url, clock } = await host('invoke', (event, context) => {
      seen = context;
      clock.advance(1_500);
      return { got: event, left: context.getRemainingTimeInMillis() };
    });
    const response = await fetch(`${url}/invoke`, { method: 'POST', body: '{"Records":[]}' });
    expect([response.status, await response.json()]).toEqual([200, { got: { Records: [] }, left: 8_500 }]);
    expect(seen).toMatchObject({ functionName: 'probe', functionVersion: '$LATEST', memoryLimitInMB: '512' });
    expect(seen?.awsRequestId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('a function that is invoked is 500 with type and message when it throws, so that its caller tries again', async () => {
    const { url } = await host('invoke', () => Promise.reject(new TypeError('no bus')));
    const response = await fetch(`${url}/invoke`, { method: 'POST', body: '{}' });
    expect([response.status, await response.json()]).toEqual([
      500,
      { errorType: 'TypeError', errorMessage: 'no bus' },
    ]);
  });

  it('a function that is invoked is 500 when it takes longer than its timeout', async () => {
    const { url, clock } = await host('invoke', () => new Promise(() => {}));
    const response = fetch(`${url}/invoke`, { method: 'POST', body: '{}' });
    while (clock.waitingCount === 0) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(10_000);
    expect(await (await response).json()).toMatchObject({
      errorType: 'Sandbox.Timedout',
      errorMessage: expect.stringMatching(/Task timed out after 10\.00 seconds$/),
    });
  });
});

describe('loading a bundle', () => {
  it('takes its exported handler', async () => {
    const path = join(await tempDir(), 'index.mjs');
    await writeFile(path, 'export const handler = async () => 42;');
    expect(await (await loadHandler(path))({}, {} as Context)).toBe(42);
  });

  it('says which bundle cannot be loaded, or exports none', async () => {
    await expect(loadHandler('/no/such/index.mjs')).rejects.toMatchObject({
      code: 'STACK_FAILED',
      message: '/no/such/index.mjs cannot be loaded',
    });
    const path = join(await tempDir(), 'empty.mjs');
    await writeFile(path, 'export default 1;');
    await expect(loadHandler(path)).rejects.toThrow(`${path} exports no handler`);
  });
});
