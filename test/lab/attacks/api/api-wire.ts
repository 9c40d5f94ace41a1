// HTTP itself against an agent: floods, half requests, two requests in one, names that are not its own.

import type { Socket } from 'node:net';
import { type Attack, require, requireRefused, requireStatus } from '../attack.ts';
import { open, raw, request } from '../raw.ts';
import type { Target } from '../target.ts';
import { ask, jsonHeaders } from './api-ask.ts';

const attack = (name: string, tries: string, expects: string, run: Attack['run']): Attack => ({
  ...{ area: 'agent API', name, tries, expects, run },
});

const SLOW_CONNECTIONS = 200;
const PIPELINED = 300;

const hostOf = (target: Target): string => new URL(target.agent).host;

const decideRequest = (target: Target, more: readonly string[] = []): string => {
  const body = '{"userId":"u"}';
  const head = [
    `Host: ${hostOf(target)}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
  ];
  const key = `X-Optimizely-SDK-Key: ${target.sdkKey}`;
  return request(`POST /v1/decide?keys=${target.flagKey}`, [...head, key, ...more], body);
};

export const API_WIRE: readonly Attack[] = [
  attack(
    'no HTTP at all',
    'TLS, HTTP/2, NUL bytes, an endless request line, nothing but line ends',
    'closed',
    async (target) => {
      const hello = Buffer.from('16030100a5010000a10303', 'hex');
      const garbage = [
        hello,
        'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
        Buffer.alloc(10_000),
        'GET / HTTP/9.9\r\n\r\n',
        'GET\r\n\r\n',
      ];
      for (const bytes of [
        ...garbage,
        `GET /${'a'.repeat(200_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
        '\r\n'.repeat(50_000),
      ]) {
        const { statuses } = await raw(target.agent, bytes, { waitMaxMs: 700 });
        require(statuses.every((status) => status >= 400 && status < 500), `answered ${statuses.join(', ')}`);
      }
    },
  ),
  attack('header flood', '5,000 headers, one of 1.5 MB, 2,000 of one name', '431 or 400', async (target) => {
    const floods = [
      Array.from({ length: 5_000 }, (_, i) => `X-${i}: ${i}`),
      [`X: ${'a'.repeat(1_500_000)}`],
      Array.from({ length: 2_000 }, () => 'Cookie: a=b'),
    ];
    for (const headers of floods) {
      const { statuses } = await raw(target.agent, decideRequest(target, headers));
      for (const status of statuses) requireStatus('a header flood', status, 431, 400);
    }
  }),
  attack('headers that are none', 'line ends, NUL, no name, no colon in headers', '400', async (target) => {
    for (const header of ['X: a\u0000b', ': nameless', 'no colon', 'X\u0001: y', 'X: a\rb'])
      for (const status of (await raw(target.agent, decideRequest(target, [header]))).statuses)
        requireStatus(JSON.stringify(header), status, 400);
  }),
  attack(
    'slowloris',
    `${SLOW_CONNECTIONS} connections that send a byte now and then`,
    'others are served meanwhile',
    async (target) => {
      const sockets: Socket[] = Array.from({ length: SLOW_CONNECTIONS }, () => open(target.agent));
      for (const socket of sockets) socket.on('error', () => {}); // Being cut off is what they deserve.
      const bytes = decideRequest(target, ['X: y']);
      try {
        for (let i = 0; i < 20; i++) {
          for (const socket of sockets) socket.write(bytes.charAt(i));
          await target.requireServed();
        }
        await target.goodChange();
      } finally {
        for (const socket of sockets) socket.destroy();
      }
    },
  ),
  attack(
    'pipelining',
    `${PIPELINED} requests in one packet`,
    'all answered, in their order',
    async (target) => {
      const bytes = Array.from({ length: PIPELINED }, (_, i) =>
        i % 2 === 0 ? decideRequest(target) : request('GET /health/live', [`Host: ${hostOf(target)}`]),
      );
      const { statuses } = await raw(target.agent, bytes.join(''), { quietMs: 600 });
      require(statuses.length === PIPELINED, `${statuses.length} of ${PIPELINED} were answered`);
      require(statuses.every((status) => status === 200), 'not all were answered 200');
    },
  ),
  attack(
    'half a request',
    '100 bodies that stop in the middle, connections reset',
    'others are served',
    async (target) => {
      const half = decideRequest(target).slice(0, -5);
      const sockets = Array.from({ length: 100 }, () => open(target.agent));
      for (const socket of sockets) {
        socket.on('error', () => {});
        socket.write(half);
      }
      await target.requireServed();
      for (const socket of sockets) socket.resetAndDestroy();
    },
  ),
  attack(
    'odd expectations',
    'Expect, Upgrade, Connection and Trailer headers of all sorts',
    'answered or refused',
    async (target) => {
      const odd = [
        'Expect: 100-continue',
        'Expect: tea',
        'Connection: Upgrade\r\nUpgrade: websocket',
        'Connection: X-Optimizely-SDK-Key',
        'TE: trailers',
        'Range: bytes=0-0',
        'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__',
      ];
      for (const header of odd) {
        const { statuses, closed } = await raw(target.agent, decideRequest(target, [header]));
        require(closed || statuses.length > 0, `${header} hangs`);
        require(statuses.every(
          (status) => status < 500 && status !== 101,
        ), `${header}: ${statuses.join(', ')}`);
      }
    },
  ),
  attack(
    'paths that lead out',
    'dots, encodings, backslashes, other schemes and NUL in the path',
    '4xx',
    async (target) => {
      const paths = [
        '/../../etc/passwd',
        '/v1/../../etc/passwd',
        '/%2e%2e/%2e%2e/etc/passwd',
        '/v1/datafile/../../x',
        '//etc/passwd',
        '/v1/%00',
        '/..\\..\\x',
        '/v1/config/',
        '/v1/config%2f',
        'http://127.0.0.1/v1/x',
        '*',
        '/v1/decide;x',
        '/.git/config',
        '/%',
        '/%ff',
      ];
      for (const path of paths) {
        const { statuses } = await raw(target.agent, request(`GET ${path}`, [`Host: ${hostOf(target)}`]));
        for (const status of statuses) requireRefused(path, status);
      }
    },
  ),
  attack('methods of all sorts', 'TRACE, CONNECT, PROPFIND, lower case', 'refused', async (target) => {
    for (const method of ['TRACE', 'CONNECT', 'PROPFIND', 'DELETE', 'PUT', 'post', 'X-Y']) {
      const { statuses, text } = await raw(
        target.agent,
        request(`${method} /v1/decide`, [`Host: ${hostOf(target)}`, 'Cookie: secret=1']),
      );
      for (const status of statuses) requireRefused(method, status);
      require(!text.includes('secret=1'), `${method} sends back what it was sent`);
    }
  }),
  attack(
    "another site's host",
    'requests by the name of another site, also as forwarded and in the target',
    '404',
    async (target) => {
      const headers = [
        'Host: evil.example',
        `Host: ${hostOf(target)}\r\nX-Forwarded-Host: evil.example`,
        `Host: ${hostOf(target)}\r\nForwarded: host=evil.example`,
      ];
      for (const header of headers) {
        const { statuses } = await raw(
          target.agent,
          request('GET /v1/config', [header, `X-Optimizely-SDK-Key: ${target.sdkKey}`]),
        );
        require(statuses.length === 1 &&
          statuses[0] === 404, `${header} was answered ${statuses.join(', ')}`);
      }
      const named = request('GET http://evil.example/v1/config', [`Host: ${hostOf(target)}`]);
      const { statuses } = await raw(target.agent, named);
      require(statuses[0] === 404, `a target with the name was answered ${statuses.join(', ')}`);
    },
  ),
  attack(
    'other origins',
    'a page of another site asks, beforehand and at once',
    'as set: never with credentials, never by its name where all are meant',
    async (target) => {
      const origin = { origin: 'https://evil.example', 'access-control-request-method': 'POST' };
      for (const method of ['OPTIONS', 'POST']) {
        const headers = { ...jsonHeaders(target.sdkKey), ...origin };
        const { headers: answered } = await ask(target.agent, `/v1/decide?keys=${target.flagKey}`, {
          ...{ method, headers, body: '{"userId":"u"}' },
        });
        const allowed = answered['access-control-allow-origin'];
        require(allowed === undefined || allowed === '*', `${method} is answered for ${String(allowed)}`);
        require(answered['access-control-allow-credentials'] === undefined, `${method} allows credentials`);
      }
    },
  ),
];
