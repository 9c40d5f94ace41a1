// Any input to any route gets an answer that says what is wrong with it: never a 5xx, a crash or a hang. And
// the agent decides afterwards as it did before.

import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Agent, createAgent } from '../../../../agent/agent.ts';
import { parseConfig } from '../../../../agent/config/config.ts';
import { NESTING_MAX } from '../../../../agent/http/openapi/schema-body.ts';
import { ANY_PORTS } from '../../support/agent.ts';
import { MemoryLog, realClock } from '../../support/fakes.ts';
import { TestCdn } from '../../support/http.ts';
import { FIXTURES, RECORDED_KEY } from '../decide/recording.ts';
import { oddBody } from './odd-bodies.ts';

const POSTS = [
  ...['/v1/decide', '/v1/activate', '/v1/track', '/v1/override', '/v1/lookup', '/v1/save', '/v1/reset'],
  ...['/v1/send-odp-event', '/v1/batch', '/ofrep/v1/evaluate/flags', '/ofrep/v1/evaluate/flags/flag_5'],
  '/oauth/token',
];
const GETS = [
  '/v1/config',
  '/v1/datafile',
  '/datafiles/',
  '/v1/notifications/event-stream',
  '/openapi.json',
  '/',
];
const QUERIES = [
  '',
  '?keys=flag_5',
  '?keys=__proto__',
  '?featureKey=flag_5&type=experiment',
  '?eventKey=myevent',
];
/** Answers that are the request's fault, or none. Without a Data Platform its route says 500, as the original does. */
const isAnswer = (path: string, status: number): boolean =>
  (status >= 200 && status < 500) || (path.startsWith('/v1/send-odp-event') && status === 500);

/** For those who send slowly; what is sent here at once must not need as long, however busy the machine. */
const READ_TIMEOUT_MS = 2_000;

const cdn = new TestCdn();
const log = new MemoryLog();
let agent: Agent;
let port: number;

beforeAll(async () => {
  await cdn.start();
  cdn.bodies.set(RECORDED_KEY, readFileSync(join(FIXTURES, 'datafile.json')));
  const env = { OPTIMIZELY_SDKKEYS: RECORDED_KEY, OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: cdn.template };
  const config = parseConfig({ ...env, OPTIMIZELY_CLIENT_EVENTURL: 'http://127.0.0.1:1/' }, () => '');
  const api = { ...config.api, enableOverrides: true };
  const services = new Map([['mine', { kind: 'in-memory', capacity: 10, storageStrategy: 'fifo' } as const]]);
  const userProfiles = { default: 'mine', services };
  const server = { ...config.server, readTimeoutMs: READ_TIMEOUT_MS };
  agent = createAgent(
    { ...config, ...{ api, userProfiles, server }, host: '127.0.0.1', ...ANY_PORTS(config) },
    { clock: realClock, random: Math.random, monotonicMs: () => performance.now(), log },
  );
  port = (await agent.start()).apiPort;
  expect(await decides()).toBe('200 true');
});
afterAll(async () => {
  await agent.stop();
  await cdn.close();
});

async function send(path: string, body: string | Uint8Array, headers: Record<string, string> = {}) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-optimizely-sdk-key': RECORDED_KEY, ...headers },
    body: body as string,
  });
  return { status: response.status, text: await response.text() };
}

async function decides(): Promise<string> {
  const { status, text } = await send('/v1/decide?keys=flag_5', '{"userId":"somebody"}');
  return `${status} ${(JSON.parse(text) as { enabled: boolean }).enabled}`;
}

const failures = () => log.of('request.failed').map(({ fields }) => fields);

const path = fc
  .tuple(fc.constantFrom(...POSTS), fc.constantFrom(...QUERIES))
  .map(([route, query]) => `${route}${query}`);

describe('bad input', () => {
  it('bad input of any shape, on any route, is answered', async () => {
    await fc.assert(
      fc.asyncProperty(path, oddBody, async (to, body) => {
        const { status } = await send(to, JSON.stringify(body));
        expect(isAnswer(to, status), `${status}: ${JSON.stringify(failures().at(-1))}`).toBe(true);
      }),
      { numRuns: 800 },
    );
    // An operation of a batch hides its status in an answer of its own.
    expect(failures()).toEqual([]);
    expect(await decides()).toBe('200 true');
  });

  it('bad input that is no JSON at all is refused', async () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 64 }).filter((some) => {
      try {
        JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(some));
        return false;
      } catch {
        return true;
      }
    });
    await fc.assert(
      fc.asyncProperty(path, bytes, async (to, body) => {
        const { status } = await send(to, body);
        // A reset takes no body, so none is wrong; a token is asked for with a form.
        expect(status).toBe(to.startsWith('/v1/reset') ? 200 : to.startsWith('/oauth') ? 415 : 400);
      }),
      { numRuns: 200 },
    );
    expect(await decides()).toBe('200 true');
  });

  it.each(POSTS)('bad input of great depth is refused by %s', async (route) => {
    const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
    const refused = route === '/v1/reset' ? 200 : route === '/oauth/token' ? 415 : 400;
    for (const levels of [NESTING_MAX, 500_000]) {
      const body = `{"userId":"u","userAttributes":{"a":${deep(levels)}},"eventTags":{"a":${deep(1)}}}`;
      expect((await send(`${route}?eventKey=myevent`, body)).status).toBe(refused);
    }
    const text = `"userId":"${'['.repeat(5_000)}\\"","experimentKey":"e","action":"a","identifiers":{"a":"b"}`;
    const brackets = `{${text},"context":{"targetingKey":"u"}}`;
    const { status } = await send(`${route}?eventKey=myevent`, brackets);
    expect(status === 400).toBe(false);
  });

  it.each(POSTS)('bad input that is larger than the limit is refused by %s', async (route) => {
    const { status } = await send(route, `{"userId":"${'u'.repeat(4 * 1024 * 1024)}"}`);
    expect(status).toBe(413);
    const allowed = `{"userId":"u","more":"${'m'.repeat(4 * 1024 * 1024 - 30)}"}`;
    expect(isAnswer(route, (await send(`${route}?eventKey=myevent`, allowed)).status)).toBe(true);
  });

  it('in the headers and the path is answered', async () => {
    const odd = fc.stringMatching(/^[\x21-\x7e]{0,300}$/);
    const get = (to: string, key: string) =>
      fetch(`http://127.0.0.1:${port}${to}`, {
        headers: { 'x-optimizely-sdk-key': key, 'x-request-id': key },
      });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...GETS), odd, odd, async (to, end, key) => {
        const response = await get(`${to}${encodeURI(end)}`, key);
        await response.arrayBuffer();
        expect(response.status, JSON.stringify(failures().at(-1))).toBeLessThan(500);
      }),
      { numRuns: 300 },
    );
    expect(await decides()).toBe('200 true');
  });

  it('leaves the prototype of all objects alone', async () => {
    const body = '{"userId":"__proto__","experimentKey":"__proto__","variationKey":"polluted",';
    const map =
      '"experimentBucketMap":{"__proto__":{"variation_id":"polluted"}},"userAttributes":{"__proto__":';
    for (const route of POSTS)
      await send(`${route}?keys=__proto__&eventKey=__proto__`, `${body}${map}{"polluted":1}}}`);
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(await decides()).toBe('200 true');
  });
});

describe('a method, path or version that is not there', () => {
  it.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND'])('%s gets a 4xx', async (method) => {
    for (const route of [...POSTS, '/v1/config', '/v1/datafile', '/nowhere']) {
      const response = await fetch(`http://127.0.0.1:${port}${route}`, { method });
      // Below /v1 the SDK key, which is not there, is looked at first.
      expect(response.status).toSatisfy((status) =>
        route.startsWith('/v1/') ? status === 400 : status === 404 || status === 405,
      );
      await response.arrayBuffer();
    }
  });

  it.each([
    ['no HTTP', 'hello\r\n\r\n'],
    ['an unknown method', 'BREW /v1/decide HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['a header without end', `GET /v1/config HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`],
    ['two lengths', 'POST /v1/decide HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx'],
    ['a body that does not come', 'POST /v1/decide HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{'],
    ['headers that do not come', 'POST /v1/decide HTTP/1.1\r\nHost: a\r\n'],
    ['a bad chunk', 'POST /v1/decide HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
  ])('%s gets a 4xx', async (_, raw) => {
    expect(await sendRaw(raw)).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(await decides()).toBe('200 true');
  });
});

function sendRaw(raw: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(raw));
    socket.on('data', (chunk) => {
      text += chunk;
      socket.end();
    });
    socket.on('close', () => resolve(text));
    // A reset after the answer is as good as an end.
    socket.on('error', (error) => (text === '' ? reject(error) : resolve(text)));
  });
}
