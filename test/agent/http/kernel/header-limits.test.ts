// What a request may send before its body, on every port that we serve, against real sockets: no more than so much, and
// nothing that a proxy before us might read in another way (request smuggling).

import { describe, expect, it, onTestFinished } from 'vitest';
import { HEADER_BYTES_MAX, HEADERS_MAX } from '../../../../core/http/http-limits.ts';
import { createHttpServer } from '../../../../functions/receiver/http-server.ts';
import { realClock } from '../../../../io/real-clock.ts';
import { sendRaw, statusOf } from '../../../support/http/raw-http.ts';
import { startAgent } from '../../support/agent.ts';
import { startDoor } from '../../support/door.ts';
import { KEY } from '../../support/fakes.ts';

const portOf = (url: string): number => Number(new URL(url).port);

async function ports(): Promise<[name: string, port: number][]> {
  const agent = await startAgent({
    env: {
      FANOUT_RECEIVER_URL: 'http://127.0.0.1:1/',
      // The receiver has these, so that one table does for all ports.
      ...{ FANOUT_HEAD_SIZE_MAX: String(HEADER_BYTES_MAX), FANOUT_HEADERS_MAX: String(HEADERS_MAX) },
    },
  });
  const receiver = createHttpServer(
    {
      webhook: async () => ({ status: 204 }),
      isReady: () => true,
      metrics: async () => ({ contentType: 'text/plain', text: '' }),
    },
    realClock(Date.now),
  );
  const receiverPort = await receiver.listen('127.0.0.1', 0);
  onTestFinished(() => receiver.close(0));
  return [
    ['API', portOf(agent.api)],
    ['admin', portOf(agent.admin)],
    ['webhook', agent.webhookPort ?? 0],
    ['receiver', receiverPort],
  ];
}

const request = (headers: readonly string[], { path = '/health/live', method = 'GET' } = {}): string =>
  [`${method} ${path} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...headers, '', ''].join('\r\n');
const many = (count: number): string[] => Array.from({ length: count }, (_, i) => `X-H${i}: v`);
/** Host and Connection are two. */
const FEW = HEADERS_MAX - 2;

const CASES: readonly [what: string, text: string, status: number][] = [
  ['as many headers as there may be', request(many(FEW)), 200],
  ['one header more', request(many(FEW + 1)), 431],
  ['thousands of headers', request(many(1_500).map((line) => line.slice(2))), 431],
  ['one endless header', request([`X: ${'v'.repeat(HEADER_BYTES_MAX)}`]), 431],
  [
    'a few large headers',
    request(['a', 'b', 'c', 'd', 'e'].map((name) => `X-${name}: ${'v'.repeat(4_000)}`)),
    431,
  ],
  ['a request line that is too long', request([], { path: `/${'x'.repeat(HEADER_BYTES_MAX)}` }), 431],
  ['a name that is too long', request([`${'N'.repeat(HEADER_BYTES_MAX)}: v`]), 431],
  ['two lengths', request(['Content-Length: 2', 'Content-Length: 3'], { method: 'POST' }), 400],
  ['a length twice', request(['Content-Length: 2', 'Content-Length: 2'], { method: 'POST' }), 400],
  ['a list of lengths', request(['Content-Length: 2, 2'], { method: 'POST' }), 400],
  ['a length that is none', request(['Content-Length: +2'], { method: 'POST' }), 400],
  [
    'a length beside chunks',
    request(['Content-Length: 2', 'Transfer-Encoding: chunked'], { method: 'POST' }),
    400,
  ],
  [
    'chunks beside a length',
    request(['Transfer-Encoding: chunked', 'Content-Length: 2'], { method: 'POST' }),
    400,
  ],
  [
    'chunks that are not the last encoding',
    request(['Transfer-Encoding: chunked, gzip'], { method: 'POST' }),
    400,
  ],
  ['a space before the colon', request(['Content-Length : 2'], { method: 'POST' }), 400],
  [
    'a header that goes on in the next line',
    request(['X: a', ' Content-Length: 2'], { method: 'POST' }),
    400,
  ],
  [
    'a line that ends without its carriage return',
    request(['X: a\nContent-Length: 2'], { method: 'POST' }),
    400,
  ],
  ['a byte that no header may have', request(['X: a\u0000b']), 400],
  ['no host', 'GET /health/live HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
  ['two hosts', request(['Host: localhost']), 400],
  ['two different hosts', request(['hOST: evil.example']), 400],
  ['a host that is none', 'GET /health/live HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n', 400],
  ['a target with its host', request([], { path: 'http://localhost/health/live' }), 200],
  ['another protocol', '\u0016\u0003\u0001\u0002\u0000\u0001', 400],
];

describe('every port', () => {
  it('answers what is too much or ambiguous by its rule, and goes on', async () => {
    const found: string[] = [];
    const wanted: string[] = [];
    for (const [name, port] of await ports()) {
      const statuses = await Promise.all(
        CASES.map(async ([, text]) => statusOf(await sendRaw(port, [text]))),
      );
      for (const [i, [what, , status]] of CASES.entries()) {
        wanted.push(`${name}: ${what}: ${status}`);
        found.push(`${name}: ${what}: ${statuses[i]}`);
      }
      expect(statusOf(await sendRaw(port, [request([])]))).toBeLessThan(431);
    }
    expect(found).toEqual(wanted);
  });

  it('reads nothing after a request that it refused, as the next bytes may be of another client', async () => {
    const refused = [
      request(['Host: another']),
      request(many(HEADERS_MAX)),
      request(['Content-Length: 1', 'Content-Length: 2']),
      // Answered by its route, whose answer comes first, or by the parser: in both cases the end.
      request(['Transfer-Encoding: xchunked'], { method: 'POST' }),
    ];
    for (const [name, port] of await ports())
      for (const one of refused) {
        const both = one.replace('Connection: close\r\n', '') + request([], { path: '/next' });
        expect((await sendRaw(port, [both])).match(/HTTP\/1\.1/g), name).toHaveLength(1);
      }
  });
});

describe('the API', () => {
  const decide = (headers: readonly string[], query = 'keys=flag_1') => {
    const body = '{"userId":"u"}';
    const head = [
      `X-Optimizely-SDK-Key: ${KEY}`,
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
    ];
    return `${request([...head, ...headers], { path: `/v1/decide?${query}`, method: 'POST' })}${body}`;
  };
  const keys = (count: number) =>
    Array.from({ length: count }, (_, i) => `keys=a_flag_key_as_long_as_people_like_them_to_be_${i}`).join(
      '&',
    );

  it.each([
    ['cookies of 17 KB, as behind a sign-on proxy', decide([`Cookie: ${'c'.repeat(17_000)}`])],
    ['cookies of 64 KB', decide([`Cookie: ${'c'.repeat(64_000)}`])],
    ['120 headers', decide(many(120))],
    ['400 long keys in the query', decide([], keys(400))],
    ['800 long keys in the query', decide([], keys(800))],
  ])('takes %s', async (_, text) => {
    const { port } = await startServing();
    expect(statusOf(await sendRaw(port, [text]))).toBe(200);
  });

  it('says which limit it was, and which setting raises it, also to a client that goes on sending', async () => {
    const { port } = await startServing();
    const answer = await sendRaw(port, [decide([`Cookie: ${'c'.repeat(3 * 1024 * 1024)}`])]);
    expect(statusOf(answer)).toBe(431);
    expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toEqual({
      error: expect.stringMatching(
        /1048576 bytes \(FANOUT_HEAD_SIZE_MAX .* 1000 headers \(FANOUT_HEADERS_MAX/,
      ),
    });
    expect(answer).toContain('X-Content-Type-Options: nosniff');
  });

  it('takes a batch of 500 operations of 2.2 KB, and a body of 1.3 MB', async () => {
    const { post } = await startServing();
    const operation = {
      ...{ method: 'POST', url: '/v1/decide', params: { keys: 'flag_1' }, operationID: 'a' },
      headers: { 'X-Optimizely-SDK-Key': KEY, 'Content-Type': 'application/json' },
      body: { userId: 'u', userAttributes: { a: 'x'.repeat(2_000) } },
    };
    const batch = await post('/v1/batch', { operations: Array.from({ length: 500 }, () => operation) });
    expect(batch.json()).toMatchObject({ errorCount: 0 });
    const decision = await post('/v1/decide?keys=flag_1', { userId: 'u', more: 'x'.repeat(1_300_000) });
    expect(decision.status).toBe(200);
  });
});

async function startServing() {
  const door = await startDoor();
  const headers = { 'content-type': 'application/json' };
  const post = (path: string, body: object) =>
    door.api({ path, method: 'POST', headers, body: JSON.stringify(body) });
  return { post, port: door.apiPort };
}
