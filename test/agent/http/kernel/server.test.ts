import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Exchange } from '../../../../agent/http/kernel/exchange.ts';
import type { Route } from '../../../../agent/http/kernel/route.ts';
import { RouteServer } from '../../../../agent/http/kernel/server.ts';
import { Metrics } from '../../../../agent/metrics/metrics.ts';
import { eventually } from '../../../support/eventually.ts';
import { MemoryLog } from '../../support/fakes.ts';
import { LISTENER } from '../../support/listener.ts';

const BODY_BYTES_MAX = LISTENER.bodyBytesMax;

async function serve(handle: (exchange: Exchange) => void | Promise<void>, more: readonly Route[] = []) {
  const log = new MemoryLog();
  const metrics = new Metrics();
  const routes: Route[] = [
    { method: 'POST', path: '/echo', handle },
    { method: 'GET', path: '/get', handle },
    ...more,
  ];
  const monotonicMs = () => performance.now();
  const server = new RouteServer(routes, { log, metrics, monotonicMs, listener: LISTENER });
  const port = await server.listen('127.0.0.1', 0);
  onTestFinished(() => server.close());
  const base = `http://127.0.0.1:${port}`;
  const post = (body: string, headers: Record<string, string> = {}) =>
    fetch(`${base}/echo`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });
  /** Bytes as they are, for what no client would send. */
  const raw = (text: string) =>
    new Promise<string>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(text));
      let answer = '';
      socket.on('data', (bytes) => {
        answer += bytes;
      });
      socket.on('close', () => resolve(answer));
      socket.on('error', () => {});
    });
  return { server, base, post, raw, log, metrics };
}

const echo = (exchange: Exchange) => exchange.bytes(200, 'application/json; charset=utf-8', exchange.body);

describe('the HTTP kernel', () => {
  it('reads a body whole, in however many pieces it comes', async () => {
    const { post } = await serve(echo);
    const body = JSON.stringify({ text: 'ž'.repeat(200_000) });
    expect(await (await post(body)).text()).toBe(body);
    expect(await (await post('')).text()).toBe('');
  });

  it('refuses a body over the limit, whether it says its size or not', async () => {
    const { post } = await serve(echo);
    expect((await post('x'.repeat(BODY_BYTES_MAX))).status).toBe(200);
    const response = await post('x'.repeat(BODY_BYTES_MAX + 1));
    expect(response.status).toBe(413);
    expect(await response.json()).toEqual({
      error: `request body is larger than ${BODY_BYTES_MAX} bytes; FANOUT_BODY_SIZE_MAX raises this limit`,
    });
  });

  it('holds only so much of all bodies at a time, and takes others again when there is room', async () => {
    const { base, post, raw } = await serve(echo);
    const head = (more = '') =>
      `POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${more}content-length: ${BODY_BYTES_MAX}\r\n\r\n`;
    const large = 'y'.repeat(BODY_BYTES_MAX);
    const send = () => raw(head('connection: close\r\n') + large);
    const stalled: Socket[] = [];
    /** All but the last byte of one more. */
    const stall = () => {
      const socket = connect(Number(new URL(base).port), '127.0.0.1');
      stalled.push(socket);
      socket.on('error', () => {}).write(head() + large.slice(1));
    };
    const leave = () => {
      for (const socket of stalled) socket.destroy();
    };
    onTestFinished(leave);
    for (let i = 0; i < 64; i++) stall();
    await eventually('there is no room', async () => {
      const answer = await send();
      if (/ 503 .*Retry-After: 1\r\n.*send this one again/s.test(answer)) return true;
      // Asking took the room of one that was on its way.
      stall();
      return false;
    });
    expect((await post('small')).status).toBe(200);
    leave();
    await eventually('there is room', async () => (await send()).includes(' 200 '));
    // What was answered is held no more.
    for (let i = 0; i < 3; i++) expect(await send()).toContain(' 200 ');
  });

  it('answers requests that come in one piece, in their order', async () => {
    const { raw } = await serve(echo);
    const one = (body: string, last = '') =>
      `POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${last}content-length: ${body.length}\r\n\r\n${body}`;
    const answer = await raw(one('"1"') + one('"2"') + one('"3"', 'connection: close\r\n'));
    expect(answer.match(/"\d"/g)).toEqual(['"1"', '"2"', '"3"']);
  });

  it('answers in text of any script, with its length in bytes', async () => {
    const { base } = await serve((exchange) => exchange.json(200, exchange.query('text')));
    for (const text of ['plain', 'ž', 'é', '日本', '🙂', '']) {
      const response = await fetch(`${base}/get?text=${encodeURIComponent(text)}`);
      expect(await response.json()).toEqual([text]);
    }
  });

  it.each([
    ['keys=a', ['a']],
    ['keys=a&keys=b', ['a', 'b']],
    ['keys=a%26b+c', ['a&b c']],
    ['keys=', ['']],
    ['keys=a=b', ['a=b']],
    ['other=1', []],
    ['keysX=1', []],
    ['x=1&keys=2', ['2']],
  ])('reads the query %s', async (query, keys) => {
    const { base } = await serve((exchange) => exchange.json(200, exchange.query('keys')));
    expect(await (await fetch(`${base}/get?${query}`)).json()).toEqual(keys);
  });

  it('stops a client that sends too much, and closes', async () => {
    const { raw } = await serve(echo);
    const head = 'POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';
    const bytes = 3 * BODY_BYTES_MAX;
    expect(await raw(`${head}content-length: ${bytes}\r\n\r\n${'x'.repeat(bytes)}`)).toContain(' 413 ');
  });

  it.each([
    ['text/plain', 415],
    ['application/jsonp', 415],
    ['application/x-www-form-urlencoded', 415],
    ['application/json', 200],
    ['Application/JSON;charset=utf-8', 200],
  ])('answers a POST of %s with %d', async (contentType, status) => {
    const { post } = await serve(echo);
    const response = await post('{}', { 'content-type': contentType });
    expect(response.status).toBe(status);
    if (status === 415) expect(await response.text()).toBe('');
  });

  it.each(['PUT', 'DELETE', 'PATCH', 'GET', 'OPTIONS'])('answers 405 to %s, empty', async (method) => {
    const { base } = await serve(echo);
    const response = await fetch(`${base}/echo`, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST');
    expect(await response.text()).toBe('');
  });

  it.each(['/nope', '/echo/', '//', '/constructor', '/__proto__', '/%00'])(
    'the HTTP kernel has no page %s',
    async (path) => {
      const { base } = await serve(echo);
      const response = await fetch(`${base}${path}`);
      expect(response.status).toBe(404);
      expect(await response.text()).toBe('404 page not found\n');
    },
  );

  it('gives a request id back', async () => {
    const { base } = await serve((exchange) => exchange.empty(204));
    const response = await fetch(`${base}/get`, { headers: { 'x-request-id': 'abc-1' } });
    expect(response.headers.get('x-request-id')).toBe('abc-1');
    expect((await fetch(`${base}/get`)).headers.get('x-request-id')).toBeNull();
  });

  const failures: [string, (exchange: Exchange) => void | Promise<void>][] = [
    [
      'throws',
      () => {
        throw new Error('SECRET');
      },
    ],
    ['rejects', () => Promise.reject(new Error('SECRET'))],
  ];
  it.each(failures)('answers 500 without details where a route %s, and logs them', async (_, handle) => {
    const { base, log } = await serve(handle);
    const response = await fetch(`${base}/get`);
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({ error: 'internal error' });
    expect(log.of('request.failed')[0]?.fields).toMatchObject({ route: '/get', error: 'SECRET' });
  });

  it('outlives clients that go away in the middle', async () => {
    const { base, raw } = await serve(echo);
    await Promise.all([
      raw('NONSENSE\r\n\r\n'),
      raw('POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: zz\r\n\r\n'),
    ]);
    const socket = connect(Number(new URL(base).port), '127.0.0.1');
    socket.write(
      'POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"a"',
    );
    await new Promise((resolve) => setImmediate(resolve));
    socket.destroy();
    expect((await fetch(`${base}/get`)).status).toBe(200);
  });

  it('counts requests by route and status', async () => {
    const { base, post, metrics } = await serve(echo);
    await post('{}');
    await post('{}');
    await fetch(`${base}/nope`);
    const { text } = await metrics.scrape();
    expect(text).toContain('fanout_agent_http_requests_total{route="POST /echo",status="200"} 2');
    expect(text).toContain('fanout_agent_http_requests_total{route="none",status="404"} 1');
    expect(text).toContain('fanout_agent_http_request_seconds_count{route="POST /echo"} 2');
    expect(text).toMatch(/request_seconds_bucket\{le="\+Inf",route="POST \/echo"\} 2/);
  });

  it('finishes the requests in flight when it closes, and takes no others', async () => {
    let finish = () => {};
    let arrived = false;
    const { server, base } = await serve(
      (exchange) =>
        new Promise<void>((resolve) => {
          arrived = true;
          finish = () => {
            exchange.json(200, 'late');
            resolve();
          };
        }),
    );
    const inFlight = fetch(`${base}/get`);
    await eventually('the request has arrived', () => arrived);
    const closing = server.close();
    await expect(fetch(`${base}/get`)).rejects.toThrow();
    finish();
    expect(await (await inFlight).json()).toBe('late');
    await closing;
  });
});
