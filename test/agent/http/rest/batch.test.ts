// POST /v1/batch: what becomes of each operation, in what measure, and what of those that are wrong.

import { describe, expect, it } from 'vitest';
import { AnswerBudget } from '../../../../agent/http/kernel/answer-budget.ts';
import type { Exchange } from '../../../../agent/http/kernel/exchange.ts';
import type { Route } from '../../../../agent/http/kernel/route.ts';
import { batchHandler } from '../../../../agent/http/rest/batch.ts';
import { unhurried } from '../../support/bounds.ts';
import { SDK_KEY, startRecorded } from '../recorded-agent.ts';

const JSON_HEADERS = { 'Content-Type': 'application/json', 'X-Optimizely-SDK-Key': SDK_KEY };

interface Item {
  readonly status: number;
  readonly operationID: string;
  readonly requestID: string;
  readonly body: unknown;
}

/** The answers to operations, in the order of their ids. */
async function run(
  routes: readonly Route[],
  operations: readonly object[],
  options: {
    maxConcurrency?: number;
    operationsLimit?: number;
    failed?: string[];
    hold?: (bytes: number) => void;
  } = {},
) {
  const { maxConcurrency = 10, operationsLimit = 1_000, failed = [], hold = () => {} } = options;
  const handle = batchHandler({
    ...{ routes, maxConcurrency, operationsLimit, nowMs: () => 1_000, monotonicMs: () => 0 },
    turns: unhurried().turns,
    onFailed: (path) => failed.push(path),
  });
  let answer = { status: 0, text: '' };
  const ids = operations.map((one, i) => ({ operationID: String(i).padStart(4, '0'), ...one }));
  await handle({
    body: Buffer.from(JSON.stringify({ operations: ids })),
    hold,
    text: (status: number, text: string) => {
      answer = { status, text };
    },
  } as unknown as Exchange);
  const json = JSON.parse(answer.text);
  const items = ((json.response ?? []) as Item[]).sort((a, b) => (a.operationID < b.operationID ? -1 : 1));
  return { status: answer.status, errorCount: json.errorCount as number, items };
}

const route = (path: string, handle: Route['handle'], method: Route['method'] = 'GET'): Route => ({
  ...{ method, path, handle },
});

describe('a batch', () => {
  it('gives each operation the answer that it would get by itself', async () => {
    const { post } = await startRecorded();
    const user = { userId: 'alice', userAttributes: { attr_0: 'v0' } };
    const alone = (await post('/v1/decide?keys=flag_5', user)).json;
    const { json } = await post('/v1/batch', {
      operations: [
        ...[{ url: '/v1/decide', params: { keys: 'flag_5' } }, { url: '/v1/decide?keys=flag_5' }].map(
          (one, i) => ({ ...one, method: 'POST', operationID: `${i}`, headers: JSON_HEADERS, body: user }),
        ),
        {
          ...{ method: 'GET', url: '/v1/datafile', operationID: '2' },
          headers: { 'x-optimizely-sdk-key': SDK_KEY, 'x-request-id': 'mine' },
        },
        { method: '', url: '/v1/config', operationID: '3', headers: { 'X-Optimizely-SDK-Key': '' } },
      ],
    });
    const [first, second, third, fourth] = (json.response as Item[]).sort((a, b) =>
      a.operationID < b.operationID ? -1 : 1,
    );
    expect(first?.body).toEqual(alone);
    expect(second?.body).toEqual(alone);
    expect(third).toMatchObject({ status: 200, requestID: 'mine', body: { sdkKey: SDK_KEY } });
    const error = 'missing required X-Optimizely-SDK-Key header';
    expect(fourth).toMatchObject({ status: 400, method: '', body: { error } });
    expect(json.errorCount).toBe(1);
  });

  it('a batch need not be called JSON, and is not part of a batch', async () => {
    const { api } = await startRecorded();
    const operations = [
      { method: 'POST', url: '/v1/batch', headers: JSON_HEADERS, body: { operations: [] } },
    ];
    const response = await fetch(`${api}/v1/batch`, { method: 'POST', body: JSON.stringify({ operations }) });
    expect(await response.json()).toMatchObject({ errorCount: 1, response: [{ status: 404, body: null }] });
  });

  it.each([
    ['a path that is not there', { method: 'GET', url: '/nowhere' }, 404],
    ['a method that is not there', { method: 'PUT', url: '/a' }, 405],
    ['a body that is not said to be JSON', { method: 'POST', url: '/p' }, 415],
    ['no URL', { method: 'GET', url: 'http://' }, 400],
    ['a URL with a broken escape', { method: 'GET', url: '%zz' }, 400],
    ['a path without its slash', { method: 'GET', url: 'a' }, 404],
    ['a method that is none', { method: 'G T', url: '/a' }, 400],
    ['a method in lower case', { method: 'get', url: '/a' }, 405],
    ['no method and no URL', { method: '', url: '' }, 204],
    ['another host', { method: 'GET', url: 'http://another.example/text#part' }, 200],
    ['a route that throws', { method: 'GET', url: '/throws' }, 500],
    ['a route that rejects', { method: 'GET', url: '/rejects' }, 500],
    ['a stream', { method: 'GET', url: '/stream' }, 500],
    ['an answer that is no JSON', { method: 'GET', url: '/text' }, 200],
    ['a path below a folder', { method: 'GET', url: '/folder/below' }, 204],
  ])('answers %s', async (_, operation, status) => {
    const failed: string[] = [];
    const fail = () => {
      throw new Error('no');
    };
    const routes = [
      ...[route('/a', (it) => it.json(200, 1)), route('/p', (it) => it.json(200, 1), 'POST')],
      ...[route('/throws', fail), route('/rejects', async () => fail())],
      route('/stream', (it) => void it.stream(200, 'text/event-stream')),
      ...[route('/text', (it) => it.text(200, 'text')), route('/folder/*', (it) => it.empty(204))],
      route('/', (it) => it.empty(204)),
    ];
    const { items, errorCount } = await run(routes, [operation], { failed });
    expect(items).toMatchObject([{ status, requestID: '', body: null }]);
    expect(errorCount).toBe(status === 200 ? 0 : 1);
    const isFailure = operation.url === '/throws' || operation.url === '/rejects';
    expect(failed).toEqual(isFailure ? [operation.url] : []);
  });

  it.each([
    ['{"operations":[]} and more', 200],
    ['{"operations":[{"url":"/v1/config","operationID":"a\\"}"}]}{"operations":5}', 200],
    [' \n{"operations":[]}x', 200],
    ['{"operations":[null]}', 200],
    ['null', 200],
    ['{"operations":[5]}', 400],
    ['{"operations":["text"]}', 400],
    ['{"operations":[[]]}', 400],
    ['{"operations":[]', 400],
    ['x{"operations":[]}', 400],
    ['[] and more', 400],
    ['"text" and more', 400],
    ['', 400],
  ])('reads the first value of %s: %d', async (text, status) => {
    const { api } = await startRecorded();
    expect((await fetch(`${api}/v1/batch`, { method: 'POST', body: text })).status).toBe(status);
  });

  it('tells an operation below /v1 first what is wrong with its SDK key', async () => {
    const { post } = await startRecorded();
    const operations = [
      { url: '/v1/nope', operationID: '0' },
      { url: '/v1/nope', operationID: '1', headers: JSON_HEADERS },
      { method: 'PUT', url: '/v1/config', operationID: '2' },
      { method: 'PUT', url: '/v1/config', operationID: '3', headers: JSON_HEADERS },
      { url: '/nope', operationID: '4' },
      // Before everything else that the method is none.
      { method: 'get', url: '/v1/config', operationID: '5' },
      { url: '/health', operationID: '6' },
    ];
    const { response } = (await post('/v1/batch', { operations })).json as { response: Item[] };
    const statuses = response.sort((a, b) => (a.operationID < b.operationID ? -1 : 1)).map((it) => it.status);
    expect(statuses).toEqual([400, 404, 400, 405, 404, 405, 404]);
  });

  it('a batch has no more operations under way than configured, and does them all', async () => {
    let underWay = 0;
    let most = 0;
    const slow = async (exchange: Exchange) => {
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => setImmediate(resolve));
      underWay--;
      exchange.json(200, 1);
    };
    const operations = Array.from({ length: 40 }, () => ({ method: 'GET', url: '/slow' }));
    const { items } = await run([route('/slow', slow)], operations, { maxConcurrency: 3 });
    expect([most, items.length]).toEqual([3, 40]);
  });

  it('lets other requests have their turn', async () => {
    let turns = 0;
    let isDone = false;
    const others = () => {
      turns++;
      if (!isDone) setImmediate(others);
    };
    setImmediate(others);
    const operations = Array.from({ length: 100 }, () => ({ method: 'GET', url: '/a' }));
    await run([route('/a', (it) => it.json(200, 1))], operations, { maxConcurrency: 1 });
    isDone = true;
    expect(turns).toBeGreaterThan(90);
  });

  it('a batch does not gather more than fits into memory', async () => {
    const bytesMax = 8 * 1024 * 1024;
    const large = Buffer.from(JSON.stringify('x'.repeat(bytesMax / 8)));
    const budget = new AnswerBudget({ bytesMax, inFlightBytesMax: bytesMax });
    let held = 0;
    const hold = (bytes: number) => {
      budget.take(bytes, held);
      held = bytes;
    };
    const operations = Array.from({ length: 10 }, () => ({ method: 'GET', url: '/large' }));
    const { items, errorCount } = await run([route('/large', (it) => it.jsonReady(200, large))], operations, {
      hold,
    });
    expect(items.filter(({ status }) => status === 507).length).toBe(errorCount);
    expect([errorCount, items.length]).toEqual([3, 10]);
  });

  it('a batch with more operations than configured is refused', async () => {
    const { post } = await startRecorded({ env: { OPTIMIZELY_SERVER_BATCHREQUESTS_OPERATIONSLIMIT: '3' } });
    const of = (count: number) => ({ operations: Array.from({ length: count }, () => ({ url: '/health' })) });
    expect((await post('/v1/batch', of(3))).status).toBe(200);
    expect(await post('/v1/batch', of(4))).toMatchObject({
      ...{ status: 422, json: { error: 'too many operations, exceeding 3 operations' } },
    });
  });
});
