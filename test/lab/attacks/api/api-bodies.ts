// Attacks on the routes of an agent with bodies that no client sends by mistake. The rule for all: the agent refuses or
// answers them, never with an error of its own, and the next decision is right.

import { type Attack, require, requireStatus } from '../attack.ts';
import type { Target } from '../target.ts';
import { ask, jsonHeaders } from './api-ask.ts';

const attack = (name: string, tries: string, expects: string, run: Attack['run']): Attack => ({
  ...{ area: 'agent API', name, tries, expects, run },
});

const ROUTES = [
  ...['/v1/decide', '/v1/activate', '/v1/track', '/v1/override', '/v1/lookup', '/v1/save', '/v1/reset'],
  ...['/v1/send-odp-event', '/v1/batch', '/ofrep/v1/evaluate/flags', '/ofrep/v1/evaluate/flags/flag_1'],
];

const deep = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth);

async function postAll(target: Target, body: string | Buffer, what: string, query = ''): Promise<void> {
  for (const route of ROUTES) {
    const { status } = await ask(target.agent, `${route}${query}`, {
      headers: jsonHeaders(target.sdkKey),
      body,
    });
    // Some routes are off, and say so with 500 or 501 in the original's words; that is looked at separately.
    require(status !== 0, `${route} did not answer ${what}`);
    require(status < 500 ||
      route === '/v1/send-odp-event' ||
      isOff(route), `${route} answered ${status} to ${what}`);
  }
}

/** The original answers 500 where no user profile service is configured. */
const isOff = (route: string): boolean => route === '/v1/lookup' || route === '/v1/save';

const decideWith = (target: Target, body: unknown, query = `?keys=${target.flagKey}`) =>
  ask(target.agent, `/v1/decide${query}`, {
    headers: jsonHeaders(target.sdkKey),
    body: JSON.stringify(body),
  });

export const API_BODIES: readonly Attack[] = [
  attack(
    'garbage on every route',
    'random bytes, empty bodies, other JSON',
    'no 5xx, no hanging',
    async (target) => {
      const random = Buffer.from(Array.from({ length: 2_000 }, (_, i) => (i * 7919 + 13) % 256));
      for (const body of ['', '{', 'null', '[]', '[{}]', '1', '"x"', 'true', '{"userId":', random, '\u0000'])
        await postAll(target, body, JSON.stringify(body.toString('latin1').slice(0, 12)));
    },
  ),
  attack('wrong types', 'numbers, lists and objects where texts should be', 'no 5xx', async (target) => {
    for (const value of [1, -1.5, null, true, [], {}, [[]], { a: { b: 1 } }, 'x'.repeat(10_000)]) {
      const fields = [
        'userId',
        'userAttributes',
        'decideOptions',
        'forcedDecisions',
        'eventKey',
        'eventTags',
      ];
      const more = [
        'experimentKey',
        'variationKey',
        'experimentBucketMap',
        'operations',
        'context',
        'action',
        'type',
      ];
      const body = JSON.stringify(Object.fromEntries([...fields, ...more].map((name) => [name, value])));
      await postAll(target, body, `a body of ${JSON.stringify(value).slice(0, 20)}`);
      const named = JSON.stringify({
        ...JSON.parse(body),
        userId: 'u',
        context: { targetingKey: 'u', a: value },
      });
      await postAll(target, named, `${JSON.stringify(value).slice(0, 20)} with a user`);
    }
  }),
  attack(
    'deep nesting',
    'lists and objects nested 200,000 deep',
    'refused, the process lives',
    async (target) => {
      const bodies = [
        deep('[', ']', 200_000),
        deep('{"a":', '', 150_000),
        `{"userId":"u","userAttributes":{"a":${deep('[', ']', 200_000)}}}`,
      ];
      for (const body of bodies) await postAll(target, body, 'a deep body');
    },
  ),
  attack(
    'prototype keys',
    '__proto__ and its kin as user, attribute, flag, event and override',
    'no effect on others',
    async (target) => {
      const before = await decideWith(target, { userId: 'witness' });
      for (const name of ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf']) {
        const own = `{"userId":"${name}","userAttributes":{"${name}":{"polluted":true}},"forcedDecisions":[{"flagKey":"${name}","variationKey":"${name}"}],"eventKey":"${name}","experimentKey":"${name}","variationKey":"${name}","experimentBucketMap":{"${name}":{"variation_id":"1"}}}`;
        await postAll(target, own, name, `?keys=${name}&flagKey=${name}&eventKey=${name}`);
      }
      const after = await decideWith(target, { userId: 'witness' });
      require(after.text === before.text, 'the decision of another user has changed');
    },
  ),
  attack('body over the limit', '6 MB with a length, 6 MB in pieces', '413', async (target) => {
    const body = JSON.stringify({ userId: 'x'.repeat(6_000_000) });
    for (const more of [{}, { 'transfer-encoding': 'chunked' }] as Record<string, string>[]) {
      const headers = { ...jsonHeaders(target.sdkKey), ...more };
      requireStatus('6 MB', (await ask(target.agent, '/v1/decide', { headers, body })).status, 413, 0);
    }
  }),
  attack('huge users', 'a user id of 900 KB, 20,000 attributes', 'answered', async (target) => {
    const userAttributes = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`a${i}`, i]));
    for (const body of [{ userId: 'x'.repeat(900_000) }, { userId: 'u', userAttributes }])
      requireStatus('a huge user', (await decideWith(target, body)).status, 200, 400);
  }),
  attack(
    'a great many flags',
    '3,000 times the same key, and 3,000 that are not there',
    'answered',
    async (target) => {
      const many = (name: (i: number) => string) =>
        `?${Array.from({ length: 1_000 }, (_, i) => `keys=${name(i)}`).join('&')}`;
      for (const query of [many(() => target.flagKey), many((i) => `no-${i}`)]) {
        const { status } = await decideWith(target, { userId: 'u' }, query);
        requireStatus('many flags', status, 200, 400, 404, 414, 431);
      }
    },
  ),
  attack('huge batch', '5,000 operations in one', 'refused as too many', async (target) => {
    const operation = {
      method: 'GET',
      url: '/v1/config',
      operationID: '1',
      body: {},
      params: {},
      headers: {},
    };
    const operations = Array.from({ length: 5_000 }, () => operation);
    const { status } = await ask(target.agent, '/v1/batch', {
      ...{ headers: jsonHeaders(target.sdkKey), body: JSON.stringify({ operations }) },
    });
    requireStatus('a huge batch', status, 400, 413, 422);
  }),
  attack(
    'batch in a batch',
    'a batch whose operation is a batch, a stream, an admin route, another host',
    'none is performed',
    async (target) => {
      const urls = [
        '/v1/batch',
        '/v1/notifications/event-stream',
        '/v1/datafile/stream',
        '/metrics',
        '/config',
        'http://127.0.0.1:1/v1/config',
        '//evil/v1/config',
        '/v1/../metrics',
      ];
      for (const url of urls) {
        const operation = {
          method: 'POST',
          url,
          operationID: '1',
          body: { operations: [] },
          params: {},
          headers: {},
        };
        const { status, text } = await ask(target.agent, '/v1/batch', {
          ...{ headers: jsonHeaders(target.sdkKey), body: JSON.stringify({ operations: [operation] }) },
        });
        if (status >= 400) continue;
        const { response = [] } = JSON.parse(text) as { response?: { status: number }[] };
        require(response.every((one) => one.status >= 400), `${url} was performed in a batch`);
      }
    },
  ),
  attack(
    'overrides of everything',
    '2,000 overrides of flags and users that are not there',
    'refused or kept within limits',
    async (target) => {
      const wrong: number[] = [];
      for (let i = 0; i < 200; i++) {
        const body = { userId: `u${i}`, experimentKey: `no-${i}`, variationKey: 'v' };
        const { status } = await ask(target.agent, '/v1/override', {
          ...{ headers: jsonHeaders(target.sdkKey), body: JSON.stringify(body) },
        });
        if (status >= 500 || status === 0) wrong.push(status);
      }
      require(wrong.length === 0, `overrides were answered ${[...new Set(wrong)].join(', ')}`);
      await ask(target.agent, '/v1/reset', { headers: jsonHeaders(target.sdkKey), body: '{}' });
    },
  ),
];
