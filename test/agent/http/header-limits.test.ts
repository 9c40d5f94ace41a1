// What a request may send before its body, on every port that we serve, against real sockets: no more than so much, and
// nothing that a proxy before us might read in another way (request smuggling).

import { describe, expect, it, onTestFinished } from 'vitest';
import { HEADER_BYTES_MAX, HEADERS_MAX } from '../../../core/http-limits.ts';
import { createHttpServer } from '../../../infra/receiver/http-server.ts';
import { sendRaw, statusOf } from '../../support/raw-http.ts';
import { startAgent } from '../support/agent.ts';

const portOf = (url: string): number => Number(new URL(url).port);

async function ports(): Promise<[name: string, port: number][]> {
  const agent = await startAgent({ env: { FANOUT_RECEIVER_URL: 'http://127.0.0.1:1/' } });
  const receiver = createHttpServer({
    webhook: async () => ({ status: 204 }),
    isReady: () => true,
    metrics: async () => ({ contentType: 'text/plain', text: '' }),
  });
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
        // The webhook port has no health; a request that may come in finds nothing there.
        wanted.push(`${name}: ${what}: ${name === 'webhook' && status === 200 ? 404 : status}`);
        found.push(`${name}: ${what}: ${statuses[i]}`);
      }
      expect(statusOf(await sendRaw(port, [request([])]))).toBeLessThan(431);
    }
    expect(found).toEqual(wanted);
  });

  it('reads nothing after a request that it refused: what follows could be anybody’s', async () => {
    const refused = [
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
