// What an agent and the functions call, and what they do not: names that resolve inside, redirects, and SDK keys that
// would be more than a name. Over real HTTP; only the name server is ours.

import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { checkConfig } from '../../agent/config/config.ts';
import { IssuerKeys } from '../../agent/http/auth/issuer-keys.ts';
import { createPublicLookup, type Resolve } from '../../agent/services/public-lookup.ts';
import { createRequester } from '../../agent/services/requester.ts';
import { type SdkKey, type Sha256, toSdkKey } from '../../core/ids.ts';
import { bodyKey, datafileSubject, encodeSdkKey, manifestKey } from '../../core/record/names.ts';
import { createCdn } from '../../functions/cdn/cdn.ts';
import { systemClock } from '../../infra/local/tools/clock.ts';
import { HUSH } from '../output/secrets.ts';
import { KEY } from '../support/datafiles.ts';

let seen: IncomingMessage[] = [];
/** The address that no request may reach: all other servers redirect here. */
let prize = '';
let redirector = '';
const servers = [
  createServer((request, response) => {
    seen.push(request);
    response.end('the prize');
  }),
  createServer((_request, response) => {
    response.writeHead(307, { location: prize }).end();
  }),
];

beforeAll(async () => {
  const urls = await Promise.all(
    servers.map(
      (server) =>
        new Promise<string>((resolve) => {
          server.listen(0, '127.0.0.1', () =>
            resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
          );
        }),
    ),
  );
  [prize, redirector] = urls as [string, string];
});
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});
beforeEach(() => {
  seen = [];
});

const GET = { method: 'GET', timeoutMs: 2_000 } as const;
const resolvesTo =
  (...addresses: string[]): Resolve =>
  (_name, _options, done) =>
    done(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );

describe('a name of Optimizely that resolves inside', () => {
  it.each([
    [['127.0.0.1']],
    [['169.254.169.254']],
    [['10.0.0.7']],
    [['::1']],
    [['fd00:ec2::254']],
    [['1.1.1.1', '192.168.0.1']],
    [[]],
  ])('to %j is not connected to', async (addresses) => {
    const named = { origins: [], lookup: createPublicLookup(resolvesTo(...addresses)) };
    const requester = createRequester(systemClock, named);
    const asked = requester.askNamed('It', 'https://api.zaius.com/v3/graphql', GET);
    await expect(asked).rejects.toMatchObject({ code: 'OUTBOUND_REFUSED' });
    requester.close();
  });

  it('a name of Optimizely that resolves inside is asked for once: what was judged is what is connected to', async () => {
    let lookups = 0;
    const flipping: Resolve = (name, options, done) =>
      resolvesTo(lookups++ === 0 ? '192.0.2.1' : '127.0.0.1')(name, options, done);
    const given: unknown[] = [];
    createPublicLookup(flipping)('api.zaius.com', { all: true }, (error) => given.push(error));
    expect(lookups).toBe(1);
    expect(given).toEqual([expect.objectContaining({ code: 'OUTBOUND_REFUSED' })]);
    const answers: unknown[] = [];
    createPublicLookup(resolvesTo('1.1.1.1', '2600::1'))('api.zaius.com', {}, (...answer) =>
      answers.push(answer),
    );
    expect(answers).toEqual([[null, '1.1.1.1', 4]]);
  });

  it('a name of Optimizely that does not resolve is a failed service', async () => {
    const lookup = createPublicLookup((_name, _options, done) => done(new Error('ENOTFOUND'), []));
    const requester = createRequester(systemClock, { origins: [], lookup });
    const asked = requester.askNamed('It', 'https://api.zaius.com/', GET);
    await expect(asked).rejects.toMatchObject({ code: 'SERVICE_FAILED', message: 'It failed: ENOTFOUND' });
    requester.close();
  });
});

it('an address inside that a datafile names is not asked, and one that the operator added is', async () => {
  const strict = createRequester(systemClock);
  await expect(strict.askNamed('It', prize, GET)).rejects.toMatchObject({ code: 'OUTBOUND_REFUSED' });
  expect(seen).toEqual([]);
  strict.close();
  const open = createRequester(systemClock, { origins: [prize] });
  expect(await open.askNamed('It', `${prize}/v3`, GET)).toMatchObject({ status: 200, text: 'the prize' });
  open.close();
});

describe('a redirect', () => {
  const source = { sdkKey: KEY, environment: 'e', accessToken: `${HUSH}token` };
  const none = { etag: null, lastModifiedMs: null };

  it('a redirect of the CDN on this machine carries no token to another port of it', async () => {
    const template = `${redirector}/%s.json`;
    const cdn = createCdn({ cdn: template, origin: template, auth: template });
    for (const via of ['cdn', 'origin', 'auth'] as const) await cdn.fetch(source, via, none, 2_000);
    expect(seen.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined, undefined]);
  });

  it('a redirect of who issues tokens is not followed: his keys would be believed', async () => {
    const lines: unknown[] = [];
    const log = { info: () => {}, error: () => {}, warn: (...line: unknown[]) => void lines.push(line) };
    const keys = new IssuerKeys({ url: redirector, updateIntervalMs: 60_000, clock: systemClock, log });
    expect(await keys.with('none', async () => 'some')).toBe('none');
    keys.stop();
    expect(lines).toHaveLength(1);
    expect(seen).toEqual([]);
  });

  it('a redirect of any other service is an answer like any other', async () => {
    const requester = createRequester(systemClock, { origins: [redirector] });
    for (const ask of [requester.ask, requester.askNamed])
      expect((await ask('It', redirector, GET)).status).toBe(307);
    requester.close();
    expect(seen).toEqual([]);
  });
});

const ESCAPES = [
  ...[
    '../x',
    '..',
    '.',
    '%2e%2e%2f',
    'a/../../b',
    'a?b',
    'a#b',
    'a@b',
    'a\\b',
    'a\0b',
    'a\nb',
    'a\r\nb',
    'a b',
    '',
  ],
  ...[
    '*',
    '>',
    'a.b',
    'a.*',
    'df.v1.x',
    '$JS.API',
    'a:b',
    'ключ',
    'a'.repeat(129),
    '%00',
    'a;b',
    'a,b',
    'a&b',
  ],
];

describe('an SDK key', () => {
  it.each(ESCAPES)('an SDK key is not %j', (text) => {
    expect(() => toSdkKey(text)).toThrow('is not an SDK key');
  });

  it('an SDK key of any letters that it may have stays one name: in a URL, in S3, on disk and on the bus', () => {
    const letters = [...'ABCabc019_+/=-'];
    const keys = fc
      .array(fc.constantFrom(...letters), { minLength: 1, maxLength: 128 })
      .map((chars) => toSdkKey(chars.join('')));
    fc.assert(
      fc.property(keys, (sdkKey: SdkKey) => {
        const name = encodeSdkKey(sdkKey);
        expect(name).toMatch(/^[\w.%-]+$/);
        expect(name).not.toMatch(/^\.+$/);
        const url = new URL('https://cdn.optimizely.com/datafiles/%s.json'.replace('%s', () => name));
        expect([url.host, url.pathname, url.search]).toEqual([
          'cdn.optimizely.com',
          `/datafiles/${name}.json`,
          '',
        ]);
        expect(decodeURIComponent(name)).toBe(sdkKey);
        expect(manifestKey(sdkKey).split('/')).toHaveLength(3);
        expect(bodyKey(sdkKey, 'f'.repeat(64) as Sha256).split('/')).toHaveLength(4);
        expect(datafileSubject(sdkKey)).toMatch(/^df\.v1\.[^.*>\s]+$/);
      }),
    );
  });
});

describe('the settings', () => {
  const problemsOf = (env: Record<string, string>) => checkConfig(env, () => '', null).problems;

  it.each([
    'https://%s/datafile.json',
    'https://%s.example.com/x',
    'https://example.com%s',
    'https://%s@example.com/',
    'https://example.com:%s/',
  ])('refuse %s, where a key would choose the host', (template) => {
    expect(problemsOf({ OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: template }).join()).toContain(
      '%s in its path',
    );
  });

  it('the settings take origins that a datafile may name, and nothing else', () => {
    expect(problemsOf({ FANOUT_ODP_HOSTS: 'https://odp.example.com, http://127.0.0.1:9000' })).toEqual([]);
    for (const wrong of [
      'odp.example.com',
      'https://odp.example.com/path',
      'https://u@odp.example.com',
      'ftp://x',
    ])
      expect(problemsOf({ FANOUT_ODP_HOSTS: wrong }).join(), wrong).toContain('must list origins');
  });
});
