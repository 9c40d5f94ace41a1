// Attributes and tags may have any name, also one that every object of JavaScript has: audiences match them, events name
// them, and the decisions for other users do not change.

import { describe, expect, it, onTestFinished } from 'vitest';
import { createAgent } from '../../../../agent/agent.ts';
import { parseConfig } from '../../../../agent/config/config.ts';
import { forSdk } from '../../../../agent/decisions/flags/sdk-user.ts';
import { eventually } from '../../../support/eventually.ts';
import { flag, rule, variation } from '../../../support/project-builder.ts';
import { ask } from '../../support/door.ts';
import { datafileBody, KEY, MemoryLog, realClock } from '../../support/fakes.ts';
import { startHttp, TestCdn } from '../../support/http.ts';
import { startProject } from '../../support/project.ts';

const NAMES = [
  'constructor',
  'toString',
  'valueOf',
  'isPrototypeOf',
  '__defineGetter__',
  'prototype',
  'toJSON',
];
/** The SDK is not told of these: they match no audience and stand in no event's attributes, but are no reason to refuse. */
const UNTELLABLE = ['__proto__', 'hasOwnProperty', '$opt_experiment_bucket_map'];

/** A flag for users whose attribute is x, all others off. */
function bodyFor(name: string): Buffer {
  const datafile = JSON.parse(datafileBody(1).toString());
  const [{ experiments }] = datafile.rollouts;
  const condition = { type: 'custom_attribute', match: 'exact', name, value: 'x' };
  datafile.typedAudiences = [{ id: 'a1', name: 'a', conditions: ['or', ['or', ['or', condition]]] }];
  datafile.attributes = [{ id: '77', key: name }];
  datafile.events = [{ id: '88', key: 'bought', experimentIds: [] }];
  experiments[0].audienceIds = ['a1'];
  return Buffer.from(JSON.stringify(datafile));
}

async function serve(name: string, more: Record<string, string> = {}) {
  const cdn = await new TestCdn().start();
  cdn.bodies.set(KEY, bodyFor(name));
  const endpoint = await startHttp(() => ({ status: 204 }));
  const log = new MemoryLog();
  const config = parseConfig(
    {
      OPTIMIZELY_SDKKEYS: KEY,
      OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: cdn.template,
      OPTIMIZELY_CLIENT_EVENTURL: endpoint.url,
      OPTIMIZELY_CLIENT_FLUSHINTERVAL: '20ms',
      ...more,
    },
    () => '',
  );
  const agent = createAgent(
    { ...config, apiPort: 0, adminPort: 0 },
    { clock: realClock, random: Math.random, monotonicMs: () => performance.now(), log },
  );
  const { apiPort } = await agent.start();
  onTestFinished(async () => {
    await agent.stop();
    await Promise.all([cdn.close(), endpoint.close()]);
  });
  await eventually('the agent is ready', () => agent.status.ready());
  const headers = { 'x-optimizely-sdk-key': KEY, 'content-type': 'application/json' };
  const post = (path: string, body: string) => ask(apiPort, { path, method: 'POST', headers, body });
  const sent = () => endpoint.seen.map(({ body }) => body).join('\n');
  return { post, sent, log };
}

const userWith = (name: string, value = '"x"') => `{"userId":"u","userAttributes":{"${name}":${value}}}`;

describe('an attribute', () => {
  it.each(NAMES)('an attribute may be called %s', async (name) => {
    const { post, sent, log } = await serve(name);
    const decided = async (body: string) => (await post('/v1/decide?keys=flag_1', body)).json();
    for (const _ of [1, 2]) {
      expect(await decided(userWith(name))).toMatchObject({
        ...{ enabled: true, userContext: { attributes: { [name]: 'x' } } },
      });
      expect(await decided(userWith(name, '"y"'))).toMatchObject({ enabled: false });
      expect(await decided('{"userId":"u"}')).toMatchObject({ enabled: false });
    }
    const [activated] = (await post('/v1/activate?featureKey=flag_1', userWith(name))).json<never[]>();
    expect(activated).toMatchObject({ enabled: true });
    const context = `{"context":{"targetingKey":"u","${name}":"x"}}`;
    expect((await post('/ofrep/v1/evaluate/flags/flag_1', context)).json()).toMatchObject({ value: true });
    await eventually('the events name it', () => sent().includes('"entity_id":"77"'));
    expect(log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it.each(UNTELLABLE)('called %s is left out, and given back', async (name) => {
    const { post, log } = await serve('other');
    for (const value of ['"x"', '{"other":"x"}', 'null', '1'])
      for (const _ of [1, 2]) {
        const answer = await post('/v1/decide?keys=flag_1', userWith(name, value));
        expect([answer.status, answer.json()]).toEqual([200, expect.objectContaining({ enabled: false })]);
        expect(answer.text).toContain(`"attributes":{"${name}":${value}}`);
      }
    for (const path of ['/v1/activate?featureKey=flag_1', '/v1/track?eventKey=bought'])
      expect((await post(path, userWith(name, '{"other":"x"}'))).status, path).toBe(200);
    expect((await post('/v1/decide?keys=flag_1', userWith('other'))).json()).toMatchObject({ enabled: true });
    expect(({} as Record<string, unknown>).other).toBeUndefined();
    expect(
      log.lines.filter(({ level, event }) => level === 'error' || event === 'engine.mistrusted'),
    ).toEqual([]);
  });
});

it('the attribute by which the SDK would keep variations decides nothing', async () => {
  const variations = [variation('31', 'on'), variation('32', 'off')];
  const { post } = await startProject({
    experiments: [rule('21', 'test', variations)],
    featureFlags: [flag('1', 'flag', ['21'])],
  });
  const userAttributes = { $opt_experiment_bucket_map: { 21: { variation_id: '32' } } };
  for (const decideOptions of [[], [], ['INCLUDE_REASONS']])
    expect(
      (await post('/v1/decide?keys=flag', { userId: 'u', userAttributes, decideOptions })).json,
    ).toMatchObject({ variationKey: 'on', userContext: { attributes: userAttributes } });
});

describe('an event tag', () => {
  it.each([...NAMES, ...UNTELLABLE])('an event tag may be called %s', async (name) => {
    const { post, sent } = await serve('other');
    const answer = await post(
      '/v1/track?eventKey=bought',
      `{"userId":"u","eventTags":{"${name}":"x","t":"y"}}`,
    );
    expect(answer.status).toBe(200);
    await eventually('it is sent', () => sent().includes('"t":"y"'));
    expect(sent()).toContain(`"${name}":"x"`);
  });
});

describe('a number that no double holds', () => {
  it.each([
    ['1e400', 400],
    ['-1e400', 400],
    ['[1,{"b":1e400}]', 400],
    ['9'.repeat(400), 400],
    ['1e308', 200],
    ['1e-400', 200],
  ])('%s as an attribute or tag: %d', async (number, status) => {
    const { post } = await serve('other');
    const body = (field: string) => `{"userId":"u","${field}":{"a":${number}}}`;
    const asked: [path: string, body: string][] = [
      ['/v1/decide?keys=flag_1', body('userAttributes')],
      ['/v1/activate?featureKey=flag_1', body('userAttributes')],
      ['/v1/track?eventKey=bought', body('userAttributes')],
      ['/v1/track?eventKey=bought', body('eventTags')],
      ['/ofrep/v1/evaluate/flags/flag_1', `{"context":{"targetingKey":"u","a":${number}}}`],
      ['/v1/batch', `{"operations":[{"url":"/v1/config","body":{"a":${number}}}]}`],
    ];
    for (const [path, text] of asked) expect((await post(path, text)).status, path).toBe(status);
    // What is not read may be anything.
    expect((await post('/v1/decide?keys=flag_1', `{"userId":"u","x":${number}}`)).status).toBe(200);
  });
});

it('names that the SDK may have are not copied', () => {
  const values = { a: 1, constructor: 2 };
  expect(forSdk(values)).toBe(values);
  const odd = JSON.parse('{"a":1,"__proto__":{"b":2},"hasOwnProperty":3}');
  expect(Object.getOwnPropertyNames(forSdk(odd))).toEqual(['a']);
});
