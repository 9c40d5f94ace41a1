// OFREP as it goes over the wire: values, reasons, errors, ETags.

import { describe, expect, it } from 'vitest';
import { serves, startAgent } from '../../support/agent.ts';
import { createInMemoryEvents } from '../../support/events.ts';
import { KEY, MemoryRecord } from '../../support/fakes.ts';
import { flagsBody } from '../../support/flags.ts';

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

const DATAFILE = { revision: 1, seq: 1, lineage: 'lineage-1' };

describe('one flag', () => {
  it.each([
    // However many variables a flag has.
    ['plain', true],
    ['truth', true],
    ['text', true],
    ['several', true],
    ['none', true],
    ['text.greeting', 'hello'],
    ['count.limit', 42],
    ['share.ratio', 0.25],
    ['truth.dark', true],
    ['shape.layout', { columns: 3, rows: ['a', 'b'] }],
    ['several.$variables', { greeting: 'hi', limit: 7, layout: [1, 2] }],
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
      metadata: { ...DATAFILE, enabled: true, ruleKey: `${flagKey}_rule` },
    });
  });

  it('one flag is never true while it is disabled, with any variables', async () => {
    const { evaluate } = await start();
    for (const key of ['dark', 'dark.$enabled'])
      expect(await evaluate(key)).toMatchObject({ value: false, metadata: { enabled: false } });
    expect(await evaluate('dark.shown')).toMatchObject({ value: true, metadata: { enabled: false } });
  });

  it('one flag is the default by the rule for everyone else', async () => {
    const { evaluate } = await start();
    expect(await evaluate('rest')).toMatchObject({
      ...{ value: true, reason: 'DEFAULT', variant: 'rest_rule_on', metadata: { ruleKey: 'default-rest' } },
    });
  });

  it('says in its headers which datafile it was made from', async () => {
    const { post } = await start();
    for (const path of [`${FLAGS}/plain`, `${FLAGS}/nope`, FLAGS]) {
      const { headers } = await post(path, { context: CONTEXT });
      const told = ['revision', 'seq', 'lineage'].map((name) => headers.get(`x-datafile-${name}`));
      expect([path, ...told]).toEqual([path, '1', '1', 'lineage-1']);
    }
  });

  it('one flag is off by default for whom no rule is meant, and on by attribute', async () => {
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
    'plain.',
    'none.nothing',
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
  ])('one flag is refused for %s, alone and in bulk', async (_, body, errorCode) => {
    const { post } = await start();
    const one = await post(`${FLAGS}/plain`, body);
    expect(one).toMatchObject({ status: 400, body: { key: 'plain', errorCode } });
    expect(await post(FLAGS, body)).toMatchObject({ status: 400, body: { errorCode } });
  });
});

describe('all flags', () => {
  it('come by every key that one of them can be asked for, but those without a value', async () => {
    const { post } = await start();
    const { body } = await post(FLAGS, { context: CONTEXT });
    const values = Object.fromEntries(
      body.flags.map(({ key, value }: { key: string; value: unknown }) => [key, value]),
    );
    expect(values).toEqual({
      ...{ plain: true, 'plain.$enabled': true },
      ...{ text: true, 'text.$enabled': true, 'text.$variables': { greeting: 'hello' } },
      ...{ 'text.greeting': 'hello', count: true, 'count.$enabled': true },
      ...{ 'count.$variables': { limit: 42 }, 'count.limit': 42, share: true, 'share.$enabled': true },
      ...{ 'share.$variables': { ratio: 0.25 }, 'share.ratio': 0.25 },
      ...{ truth: true, 'truth.$enabled': true, 'truth.$variables': { dark: true }, 'truth.dark': true },
      ...{ shape: true, 'shape.$enabled': true },
      ...{ 'shape.$variables': { layout: { columns: 3, rows: ['a', 'b'] } } },
      ...{ 'shape.layout': { columns: 3, rows: ['a', 'b'] }, several: true, 'several.$enabled': true },
      ...{ 'several.$variables': { greeting: 'hi', limit: 7, layout: [1, 2] } },
      ...{ 'several.greeting': 'hi', 'several.limit': 7, 'several.layout': [1, 2] },
      ...{ none: true, 'none.$enabled': true, 'none.$variables': { nothing: null } },
      ...{ paid: false, 'paid.$enabled': false, rest: true, 'rest.$enabled': true },
      ...{ dark: false, 'dark.$enabled': false, 'dark.$variables': { shown: true }, 'dark.shown': true },
      ...{ test: true, 'test.$enabled': true },
    });
    expect(body.metadata).toEqual(DATAFILE);
    expect(body.flags.find(({ key }: { key: string }) => key === 'several.limit')).toEqual({
      ...{ key: 'several.limit', value: 7, variant: 'several_rule_on', reason: 'TARGETING_MATCH' },
      metadata: { enabled: true, ruleKey: 'several_rule' },
    });
  });

  it('all flags are not sent again while nothing has changed for this user', async () => {
    const { agent, record, post } = await start();
    const ask = (context: object, etag = '') => post(FLAGS, { context }, { 'if-none-match': etag });
    const first = await ask(CONTEXT);
    const etag = first.headers.get('etag') ?? '';
    expect(etag).toMatch(/^W\/"[0-9a-f]{64}"$/);
    expect(await ask(CONTEXT, `"other", ${etag}`)).toMatchObject({ status: 304, body: null });
    expect((await ask(CONTEXT, etag.slice('W/'.length))).status).toBe(304);
    expect((await ask({ ...CONTEXT, plan: 'pro' }, etag)).status).toBe(200);
    // A revision that changes no flag of this user.
    record.publish(KEY, flagsBody(2));
    await serves(agent, 2, 2);
    const same = await ask(CONTEXT, etag);
    expect([same.status, same.headers.get('x-datafile-revision')]).toEqual([304, '2']);
    expect((await ask(CONTEXT)).body.metadata).toMatchObject({ revision: 2, seq: 2 });
    record.publish(KEY, flagsBody(3, 'good day'));
    await serves(agent, 3, 3);
    const third = await ask(CONTEXT, etag);
    expect(third.status).toBe(200);
    expect(third.headers.get('etag')).not.toBe(etag);
  });

  it('differ in one flag alone when one was changed', async () => {
    const { agent, record, post } = await start();
    const flags = async () => {
      const { body } = await post(FLAGS, { context: CONTEXT });
      return new Map<string, string>(body.flags.map((it: { key: string }) => [it.key, JSON.stringify(it)]));
    };
    const before = await flags();
    record.publish(KEY, flagsBody(2, 'good day'));
    await serves(agent, 2, 2);
    const changed = [...(await flags())].filter(([key, text]) => before.get(key) !== text);
    expect(changed.map(([key]) => key)).toEqual(['text.$variables', 'text.greeting']);
  });

  it('all flags do not count as shown', async () => {
    const { post, evaluate, events } = await start();
    await post(FLAGS, { context: CONTEXT });
    await evaluate('test', { targetingKey: 'the only one shown' });
    const [event] = await events.received(1);
    expect(event).toContain('the only one shown');
  });
});

describe('the SDK key', () => {
  const NO_KEY = { 'x-optimizely-sdk-key': '' };

  it.each([
    ['as the API key of the protocol', { 'x-api-key': KEY }],
    ['as its bearer token', { authorization: `Bearer ${KEY}` }],
  ])('the SDK key may come %s', async (_, headers) => {
    const { post } = await start();
    for (const path of [`${FLAGS}/plain`, FLAGS])
      expect((await post(path, { context: CONTEXT }, { ...NO_KEY, ...headers })).status).toBe(200);
  });

  it('the SDK key that is named goes before a bearer token', async () => {
    const { post } = await start();
    const headers = { authorization: 'Bearer of-a-gateway' };
    expect((await post(`${FLAGS}/plain`, { context: CONTEXT }, headers)).status).toBe(200);
  });

  it.each([
    ['', 401],
    ['not a key', 401],
    ['Unknown123', 500],
  ])('%j is refused with %i', async (sdkKey, status) => {
    const { post } = await start();
    const ask = (path: string) => post(path, { context: CONTEXT }, { 'x-optimizely-sdk-key': sdkKey });
    const one = await ask(`${FLAGS}/plain`);
    expect(one).toMatchObject({ status, body: { key: 'plain', errorCode: 'GENERAL' } });
    expect(one.headers.get('www-authenticate')).toBe(status === 401 ? 'Bearer' : null);
    const all = await ask(FLAGS);
    expect(all).toMatchObject({ status, body: { errorCode: 'GENERAL' } });
    expect(all.body).not.toHaveProperty('key');
  });
});
