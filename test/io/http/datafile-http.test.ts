// What is asked of a datafile's server and what its answers mean, against a real HTTP server.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { toSdkKey } from '../../../core/ids.ts';
import { type HttpServer, serveHttp } from '../../../infra/local/tools/http.ts';
import { askForDatafile, readDatafileBody, validatorsOf } from '../../../io/http/datafile-http.ts';

const KEY = toSdkKey('Key/+=1');
let server: HttpServer;
let asked: IncomingMessage[] = [];
let answer: (response: ServerResponse) => void;

beforeAll(async () => {
  server = await serveHttp(async (request, response) => {
    asked.push(request);
    answer(response);
  }, 0);
});
afterAll(() => server.close());
beforeEach(() => {
  asked = [];
  answer = (response) => response.end('{}');
});

const ask = (more: Partial<Parameters<typeof askForDatafile>[0]> = {}) =>
  askForDatafile({
    template: `${server.url}/datafiles/%s.json`,
    sdkKey: KEY,
    token: null,
    conditions: {},
    timeoutMs: 5_000,
    ...more,
  });

it('asks for the encoded key, with the conditions and nothing else of ours', async () => {
  await ask({ conditions: { 'if-none-match': '"a"' } });
  expect(asked[0]?.url).toBe('/datafiles/Key%2F%2B%3D1.json');
  expect(asked[0]?.headers).toMatchObject({ 'if-none-match': '"a"' });
  expect(asked[0]?.headers).not.toHaveProperty('authorization');
});

it('sends the token of a secure environment in place of the credentials of the template', async () => {
  const template = server.url.replace('http://', 'http://user:word@');
  await ask({ template: `${template}/%s` });
  await ask({ template: `${template}/%s`, token: 'secret' });
  const sent = asked.map(({ headers }) => headers.authorization);
  expect(sent).toEqual([`Basic ${Buffer.from('user:word').toString('base64')}`, 'Bearer secret']);
});

it.each([
  [304, { kind: 'unchanged' }],
  [401, { kind: 'denied', status: 401, statusText: 'Unauthorized' }],
  [403, { kind: 'denied', status: 403, statusText: 'Forbidden' }],
  [404, { kind: 'denied', status: 404, statusText: 'Not Found' }],
  [410, { kind: 'denied', status: 410, statusText: 'Gone' }],
  [500, { kind: 'failed', status: 500, statusText: 'Internal Server Error' }],
  [204, { kind: 'failed', status: 204, statusText: 'No Content' }],
])('takes %i for what it is', async (status, expected) => {
  answer = (response) => response.writeHead(status).end();
  expect(await ask()).toEqual(expected);
});

it('gives the validators as far as they can be sent back', async () => {
  const modified = 'Tue, 14 Nov 2023 22:13:20 GMT';
  answer = (response) =>
    response.writeHead(200, { etag: '"one"', 'last-modified': modified, date: modified }).end('{}');
  const good = await ask();
  answer = (response) => response.writeHead(200, { etag: '*', 'last-modified': 'soon' }).end('{}');
  const odd = await ask();
  if (good.kind !== 'ok' || odd.kind !== 'ok') throw new Error('not served');
  expect(validatorsOf(good.response)).toEqual({
    etag: '"one"',
    lastModified: modified,
    lastModifiedMs: Date.parse(modified),
  });
  expect(validatorsOf(odd.response)).toEqual({ etag: null, lastModified: null, lastModifiedMs: null });
  for (const { response } of [good, odd]) await response.body?.cancel();
});

it('reads no more than the limit', async () => {
  answer = (response) => response.end('x'.repeat(100));
  const small = await ask();
  const large = await ask();
  if (small.kind !== 'ok' || large.kind !== 'ok') throw new Error('not served');
  const tooLarge = (bytesMax: number) => new Error(`more than ${bytesMax}`);
  expect((await readDatafileBody(small.response, tooLarge, 100)).byteLength).toBe(100);
  await expect(readDatafileBody(large.response, tooLarge, 99)).rejects.toThrow('more than 99');
});

it('ends after its time where no answer comes', async () => {
  answer = () => {};
  await expect(ask({ timeoutMs: 20 })).rejects.toMatchObject({ name: 'TimeoutError' });
});
