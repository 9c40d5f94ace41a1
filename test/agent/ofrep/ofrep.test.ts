// OFREP as it goes over the wire: values, reasons, errors, ETags.

import { describe, expect, it } from 'vitest';
import { serves, startAgent } from '../support/agent.ts';
import { createInMemoryEvents } from '../support/events.ts';
import { KEY, MemoryRecord } from '../support/fakes.ts';
import { flagsBody } from '../support/flags.ts';

const FLAGS = '/ofrep/v1/evaluate/flags';
const CONTEXT = { targetingKey: 'u1' };

async function start() {
  const record = new MemoryRecord();
  record.publish(KEY, flagsBody(1));
  const events = await createInMemoryEvents();
  const agent = await startAgent({
    record,
    env: { OPTIMIZELY_CLIENT_EVENTURL: events.url, OPTIMIZELY_CLIENT_BATCHSIZE: '1' },
  });
  await serves(agent, 1, 1);
  const post = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(`${agent.api}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-optimizely-sdk-key': KEY, ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? null : JSON.parse(text),
    };
  };
  const evaluate = async (key: string, context: object = CONTEXT) =>
    (await post(`${FLAGS}/${encodeURIComponent(key)}`, { context })).body;
  return { agent, record, post, evaluate, events };
}

describe('one flag', () => {
  it.each([
    ['plain', true],
    ['text', 'hello'],
    ['count', 42],
    ['share', 0.25],
    ['truth', true],
    ['shape', { columns: 3, rows: ['a', 'b'] }],
    ['several', { greeting: 'hi', limit: 7, layout: [1, 2] }],
    ['several.greeting', 'hi'],
    ['several.limit', 7],
    ['several.$enabled', true],
    ['text.$variables', { greeting: 'hello' }],
    ['plain.$variables', {}],
  ])('%s has the value %j', async (key, value) => {
    const { evaluate } = await start();
    const flagKey = key.split('.')[0];
    expect(await evaluate(key)).toEqual({
      ...{ key, value, variant: `${flagKey}_rule_on`, reason: 'TARGETING_MATCH' },
      metadata: {
        ...{ revision: 1, seq: 1, lineage: 'lineage-1' },
        ...{ enabled: true, ruleKey: `${flagKey}_rule` },
      },
    });
  });

  it('is off by default for whom no rule is meant, and on by attribute', async () => {
    const { evaluate } = await start();
    const off = await evaluate('paid');
    expect(off).toMatchObject({ value: false, reason: 'DEFAULT' });
    expect(off).not.toHaveProperty('variant');
    expect(await evaluate('paid', { ...CONTEXT, plan: 'pro' })).toMatchObject({ value: true });
  });

  it('says when the value is part of an experiment', async () => {
    const { evaluate } = await start();
    expect(await evaluate('test')).toMatchObject({ value: true, reason: 'SPLIT', variant: 'test_rule_on' });
  });

  it('counts as shown: an impression is sent', async () => {
    const { evaluate, events } = await start();
    await evaluate('test');
    await events.received(1);
  });

  it.each([
    'nope',
    'plain.nope',
    'none',
    'toString',
    '__proto__',
    'plain.__proto__',
    'text.constructor',
    '%',
  ])('%s is not found', async (key) => {
    const { post } = await start();
    const { status, body } = await post(`${FLAGS}/${encodeURIComponent(key)}`, { context: CONTEXT });
    expect(status).toBe(404);
    expect(body).toMatchObject({ key, errorCode: 'FLAG_NOT_FOUND' });
  });

  it.each([
    ['not JSON', '{', 'PARSE_ERROR'],
    ['not an object', '[]', 'PARSE_ERROR'],
    ['nested without end', `${'['.repeat(50_000)}${']'.repeat(50_000)}`, 'PARSE_ERROR'],
    ['no context', {}, 'TARGETING_KEY_MISSING'],
    ['a context that is none', { context: 'x' }, 'INVALID_CONTEXT'],
    ['no targeting key', { context: {} }, 'TARGETING_KEY_MISSING'],
    ['an empty targeting key', { context: { targetingKey: '' } }, 'TARGETING_KEY_MISSING'],
    ['a number for a targeting key', { context: { targetingKey: 1 } }, 'INVALID_CONTEXT'],
  ])('is refused for %s, alone and in bulk', async (_, body, errorCode) => {
    const { post } = await start();
    const one = await post(`${FLAGS}/plain`, body);
    expect(one).toMatchObject({ status: 400, body: { key: 'plain', errorCode } });
    expect(await post(FLAGS, body)).toMatchObject({ status: 400, body: { errorCode } });
  });
});

describe('all flags', () => {
  it('come with their values, but those that have none', async () => {
    const { post } = await start();
    const { body } = await post(FLAGS, { context: CONTEXT });
    const values = Object.fromEntries(
      body.flags.map(({ key, value }: { key: string; value: unknown }) => [key, value]),
    );
    expect(values).toEqual({
      ...{ plain: true, text: 'hello', count: 42, share: 0.25, truth: true, paid: false, test: true },
      ...{ shape: { columns: 3, rows: ['a', 'b'] }, several: { greeting: 'hi', limit: 7, layout: [1, 2] } },
    });
  });

  it('are not sent again while nothing has changed for this user', async () => {
    const { agent, record, post } = await start();
    const ask = (context: object, etag = '') => post(FLAGS, { context }, { 'if-none-match': etag });
    const first = await ask(CONTEXT);
    const etag = first.headers.get('etag') ?? '';
    expect(await ask(CONTEXT, `"other", W/${etag}`)).toMatchObject({ status: 304, body: null });
    expect((await ask({ ...CONTEXT, plan: 'pro' }, etag)).status).toBe(200);
    record.publish(KEY, flagsBody(2, 'good day'));
    await serves(agent, 2, 2);
    const second = await ask(CONTEXT, etag);
    expect(second.status).toBe(200);
    expect(second.headers.get('etag')).not.toBe(etag);
  });

  it('do not count as shown', async () => {
    const { post, evaluate, events } = await start();
    await post(FLAGS, { context: CONTEXT });
    await evaluate('test', { targetingKey: 'the only one shown' });
    const [event] = await events.received(1);
    expect(event).toContain('the only one shown');
  });
});

describe('the SDK key', () => {
  it('may come as the API key of the protocol', async () => {
    const { post } = await start();
    const headers = { 'x-optimizely-sdk-key': '', 'x-api-key': KEY };
    expect((await post(`${FLAGS}/plain`, { context: CONTEXT }, headers)).status).toBe(200);
  });

  it.each([
    ['', 401],
    ['not a key', 401],
    ['Unknown123', 500],
  ])('%j is refused with %i', async (sdkKey, status) => {
    const { post } = await start();
    const answer = await post(`${FLAGS}/plain`, { context: CONTEXT }, { 'x-optimizely-sdk-key': sdkKey });
    expect(answer).toMatchObject({ status, body: { key: 'plain', errorCode: 'GENERAL' } });
  });
});
