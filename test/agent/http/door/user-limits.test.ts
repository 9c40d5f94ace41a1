// What one request about a user may bring, at every route that takes one: more is refused with the name of the setting.

import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../support/bounds.ts';
import { SDK_KEY, startRecorded } from '../recorded-agent.ts';

const PROFILES = {
  OPTIMIZELY_CLIENT_USERPROFILESERVICE: '{"default":"in-memory","services":{"in-memory":{"capacity":0}}}',
};
const { attributesMax, keysMax, userIdBytesMax, bodyBytesMax } = LIMITS;
const many = (count: number, value: unknown = 0) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`a${i}`, value]));
const list = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item);
const keysOf = (name: string, count: number) => list(count, `${name}=k`).join('&');
const user = (more: object = {}) => ({ userId: 'u', ...more });

/** Route, body, the setting that it meets; the first body of each pair is within the limit. */
const longest = 'ü'.repeat(userIdBytesMax / 2);
const BODIES: readonly [what: string, path: string, within: object, beyond: object, setting: string][] = [
  ...['/v1/decide?keys=flag_5', '/v1/activate?featureKey=flag_5', '/v1/track?eventKey=myevent'].flatMap(
    (path): (typeof BODIES)[number][] => [
      [
        'attributes',
        path,
        user({ userAttributes: many(attributesMax) }),
        user({ userAttributes: many(attributesMax + 1) }),
        'FANOUT_ATTRIBUTES_MAX',
      ],
    ],
  ),
  ...[
    '/v1/decide?keys=flag_5',
    '/v1/activate?featureKey=flag_5',
    '/v1/track?eventKey=myevent',
    '/v1/override',
    '/v1/lookup',
    '/v1/save',
  ].map((path): (typeof BODIES)[number] => [
    'user id',
    path,
    { userId: longest, experimentKey: 'e', variationKey: 'v' },
    { userId: `${longest}u`, experimentKey: 'e', variationKey: 'v' },
    'FANOUT_USER_ID_SIZE_MAX',
  ]),
  [
    'forced decisions',
    '/v1/decide?keys=flag_5',
    user({ forcedDecisions: list(attributesMax, { flagKey: 'f' }) }),
    user({ forcedDecisions: list(attributesMax + 1, { flagKey: 'f' }) }),
    'FANOUT_ATTRIBUTES_MAX',
  ],
  [
    'event tags',
    '/v1/track?eventKey=myevent',
    user({ eventTags: many(attributesMax) }),
    user({ eventTags: many(attributesMax + 1) }),
    'FANOUT_ATTRIBUTES_MAX',
  ],
  [
    'attributes',
    '/ofrep/v1/evaluate/flags',
    { context: { targetingKey: 'u', ...many(attributesMax) } },
    { context: { targetingKey: 'u', ...many(attributesMax + 1) } },
    'FANOUT_ATTRIBUTES_MAX',
  ],
  [
    'user id',
    '/ofrep/v1/evaluate/flags/flag_5',
    { context: { targetingKey: longest } },
    { context: { targetingKey: `${longest}u` } },
    'FANOUT_USER_ID_SIZE_MAX',
  ],
];

describe('one request about a user', () => {
  it('one request about a user may bring so much, and what is more is refused with the name of the setting', async () => {
    const { post } = await startRecorded({ env: PROFILES });
    for (const [what, path, within, beyond, setting] of BODIES) {
      expect((await post(path, within)).status, `${what} of ${path}`).toBe(200);
      const { status, text } = await post(path, beyond);
      expect([what, path, status]).toEqual([what, path, 400]);
      expect(text, `${what} of ${path}`).toContain(setting);
    }
  });

  it('one request about a user may name so many keys', async () => {
    const { post } = await startRecorded();
    for (const name of ['decide?keys', 'activate?experimentKey', 'activate?featureKey']) {
      const [path, parameter = ''] = name.split('?');
      const ask = (count: number) => post(`/v1/${path}?${keysOf(parameter, count)}`, user());
      expect((await ask(keysMax)).status, name).toBe(200);
      expect(await ask(keysMax + 1), name).toMatchObject({
        status: 400,
        text: expect.stringContaining('FANOUT_DECIDE_KEYS_MAX'),
      });
    }
  });

  it('one request about a user may be so large, and with an event of the Data Platform hold so much', async () => {
    const { post } = await startRecorded();
    const large = (bytes: number) => user({ more: 'x'.repeat(bytes) });
    expect((await post('/v1/decide?keys=flag_5', large(bodyBytesMax - 100))).status).toBe(200);
    const answers = await Promise.all([
      post('/v1/decide?keys=flag_5', large(bodyBytesMax)),
      post('/ofrep/v1/evaluate/flags/flag_5', large(bodyBytesMax)),
      post('/v1/send-odp-event', { action: 'a', identifiers: { a: 'b' }, data: many(attributesMax + 1) }),
      post('/v1/send-odp-event', { action: 'a', identifiers: many(attributesMax + 1, 'x') }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([413, 400, 400, 400]);
    for (const { text } of answers.slice(0, 2)) expect(text).toContain('FANOUT_USER_BODY_SIZE_MAX');
    for (const { text } of answers.slice(2)) expect(text).toContain('FANOUT_ATTRIBUTES_MAX');
  });

  it('one request about a user has the same limits within a batch', async () => {
    const { post } = await startRecorded();
    const headers = { 'X-Optimizely-SDK-Key': SDK_KEY, 'Content-Type': 'application/json' };
    const body = user({ userAttributes: many(attributesMax + 1) });
    const operation = { method: 'POST', url: '/v1/decide', operationID: '1', headers, body };
    const { json } = await post('/v1/batch', { operations: [operation] });
    expect(json.response).toMatchObject([
      { status: 400, body: { error: expect.stringContaining('FANOUT_ATTRIBUTES_MAX') } },
    ]);
  });

  it('one request about a user may bring more where the operator says so', async () => {
    const { post } = await startRecorded({
      env: { FANOUT_ATTRIBUTES_MAX: '2000', FANOUT_USER_ID_SIZE_MAX: '64KB' },
    });
    const { status } = await post('/v1/decide?keys=flag_5', {
      userId: 'u'.repeat(60_000),
      userAttributes: many(2_000),
    });
    expect(status).toBe(200);
  });
});
