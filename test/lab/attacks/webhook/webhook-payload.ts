// Payloads from an attacker who has the secret: nonsense, traps and the addresses of other servers.

import { gzipSync } from 'node:zlib';
import { type Attack, require, requireStatus } from '../attack.ts';
import { startTrap } from '../trap.ts';
import { bodyOf, payload, post } from './webhook-post.ts';

const attack = (name: string, tries: string, expects: string, run: Attack['run']): Attack => ({
  ...{ area: 'webhook', name, tries, expects, run },
});

/** Refused as malformed, or acknowledged as none of our business; never an error of ours. */
const HARMLESS = [204, 400, 401] as const;

export const WEBHOOK_PAYLOAD: readonly Attack[] = [
  attack('not JSON', 'signed bytes that are no JSON, no object, empty', '400', async (target) => {
    for (const body of ['', '{', 'null', '[]', '"x"', '1', 'NaN', '{"a":1}{"b":2}', '<html>', '\u0000'])
      requireStatus(JSON.stringify(body), await post(target, body), 400);
  }),
  attack(
    'invalid UTF-8',
    'signed bytes that are no UTF-8, a byte order mark, UTF-16',
    '400',
    async (target) => {
      const body = Buffer.from(bodyOf(target));
      const broken = Buffer.from(body);
      broken[body.indexOf('Production')] = 0xff;
      const overlong = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}')]);
      for (const bytes of [broken, overlong, Buffer.from(body.toString(), 'utf16le')])
        requireStatus('no UTF-8', await post(target, bytes), 400, 401);
    },
  ),
  attack('deep nesting', 'arrays and objects nested 30,000 deep, signed and not', '4xx', async (target) => {
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
    ] as const) {
      const depth = Math.floor(60_000 / (open.length + close.length));
      const deep = `${open.repeat(depth)}1${close.repeat(depth)}`;
      const inside = payload(target, (it) => {
        it.data.extra = 'HERE';
      }).replace('"HERE"', deep);
      for (const body of [deep, open.repeat(10_000), inside.slice(0, 64 * 1024)]) {
        requireStatus('a deep body', await post(target, body), 400);
        requireStatus('a deep body', await post(target, body, { signature: null }), 400, 401);
      }
    }
  }),
  attack(
    'prototype keys',
    '__proto__, constructor and prototype with values of their own',
    'no effect',
    async (target) => {
      const trick = '"__proto__":{"isAdmin":true,"revision":1},"constructor":{"prototype":{"polluted":1}},';
      const body = bodyOf(target).replace('{', `{${trick}`).replace('"data": {', `"data": {${trick}`);
      requireStatus('prototype keys', await post(target, body), 204);
      for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
        const other = payload(target, (it) => {
          it.project_id = name;
          it.data.environment = name;
        });
        requireStatus(name, await post(target, other), ...HARMLESS);
      }
    },
  ),
  attack(
    'revisions that are none',
    'fractions, negatives, 2^53, texts, lists, objects, nothing',
    '400, nothing moves',
    (target) =>
      target.withoutMove('a revision that is none', async () => {
        for (const revision of [
          1.5,
          -1,
          2 ** 53,
          1e308,
          '',
          'x',
          '1e3',
          '-1',
          ' 1',
          [],
          {},
          null,
          true,
          undefined,
        ]) {
          const body = payload(target, ({ data }) => {
            data.revision = revision;
          });
          requireStatus(`revision ${JSON.stringify(revision)}`, await post(target, body), 400);
        }
      }),
  ),
  attack(
    'project ids that are none',
    'lists, objects, fractions, huge numbers, long texts',
    '4xx',
    async (target) => {
      for (const project_id of [[], {}, null, true, -1, 1.5, 2 ** 60, '1 or 1=1', '9'.repeat(50_000)]) {
        const body = payload(target, (it) => {
          it.project_id = project_id;
        });
        requireStatus('a project id', await post(target, body), 400, 401);
      }
    },
  ),
  attack('other events', 'events that are a list, a number, a megaword', '204 or 400', async (target) => {
    for (const event of [[], 7, null, 'x'.repeat(50_000), 'project.datafile_updated ', '\n']) {
      const body = payload(target, (it) => {
        it.event = event;
      });
      requireStatus('an event', await post(target, body), 204, 400);
    }
  }),
  attack(
    'addresses to call',
    'cdn_url and origin_url at a server of the attacker, at loopback, at the metadata service',
    'no such server is called',
    async (target) => {
      const trap = await startTrap();
      try {
        const metadata = 'http://169.254.169.254/latest/meta-data/';
        const urls = [
          trap.url,
          `${trap.url}/datafiles/${target.sdkKey}.json`,
          metadata,
          'file:///etc/passwd',
        ];
        for (const url of urls) {
          const body = payload(target, ({ data }) => {
            data.cdn_url = url;
            data.origin_url = url;
            data.url = url;
          });
          requireStatus(url, await post(target, body), 204);
        }
        require(trap.calls() === 0, 'the address in a webhook was called');
      } finally {
        await trap.close();
      }
    },
  ),
  attack(
    'names that lead elsewhere',
    'SDK keys and environments with dots, slashes, wildcards, line ends, NUL',
    '204 as unknown, nothing is fetched',
    async (target) => {
      const before = await target.cdnFetches();
      for (const name of [
        '../../x',
        '%2e%2e%2fx',
        '*',
        '>',
        'a.b',
        'a b',
        'a\r\nX: y',
        '\u0000',
        'x'.repeat(10_000),
      ]) {
        const body = payload(target, ({ data }) => {
          data.cdn_url = `https://cdn.optimizely.com/datafiles/${name}.json`;
          data.environment = name;
        });
        requireStatus(JSON.stringify(name.slice(0, 20)), await post(target, body), 204);
      }
      require((await target.cdnFetches()) === before, 'something was fetched by such a name');
    },
  ),
  attack(
    'other content types',
    'text, forms, none, a charset of its own',
    'as usual, by its bytes',
    async (target) => {
      for (const type of ['text/plain', 'multipart/form-data', '', 'application/json; charset=utf-16', 'x'])
        requireStatus(type, await post(target, bodyOf(target), { headers: { 'content-type': type } }), 204);
    },
  ),
  attack('compressed', 'a gzip body said to be one', 'not inflated: 400', async (target) => {
    const body = gzipSync(Buffer.alloc(50_000_000));
    const headers = { 'content-encoding': 'gzip' };
    requireStatus('gzip', await post(target, body, { headers }), 400, 401);
  }),
  attack(
    'duplicate fields',
    'project id, event and revision twice in one object',
    'the same as once: last wins',
    (target) =>
      target.withoutMove('a doubled field', async () => {
        const body = bodyOf(target).replace('{', '{"project_id": 1, "event": "x", ');
        requireStatus('doubled fields', await post(target, body), 204);
      }),
  ),
];
