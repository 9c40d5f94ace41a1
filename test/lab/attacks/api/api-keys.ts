// SDK keys that are not configured: an agent may be asked for any, and must neither hammer the CDN nor give room for them all.

import { type Attack, require, requireRefused } from '../attack.ts';
import { raw, request } from '../raw.ts';
import { OTHER_KEY } from '../stage.ts';
import { startTrap } from '../trap.ts';
import { ask, jsonHeaders } from './api-ask.ts';

const attack = (name: string, tries: string, expects: string, run: Attack['run']): Attack => ({
  ...{ area: 'agent API', name, tries, expects, run },
});

const FLOOD = 600;
const STREAMS = 1_100;

export const API_KEYS: readonly Attack[] = [
  attack(
    'SDK keys that are none',
    'wildcards of the bus, dots, slashes, encodings, colons, 10 KB',
    '4xx, never a datafile',
    async (target) => {
      const keys = [
        '*',
        '>',
        'df.v1.>',
        'a.b',
        '..',
        '../../x',
        '%2e%2e%2f',
        '%00',
        '__proto__',
        'constructor',
        'a b',
        '?x',
        '#x',
        'x@evil.example',
        'x'.repeat(129),
        'x'.repeat(10_000),
        ':',
        'a:',
        ':a',
        '/',
        '//',
        '////etc/passwd',
        '+',
        '=',
      ];
      for (const key of keys) {
        const { status } = await ask(target.agent, '/v1/config', {
          headers: { 'x-optimizely-sdk-key': key },
        });
        requireRefused(JSON.stringify(key.slice(0, 20)), status);
      }
    },
  ),
  attack('two SDK keys', 'the header twice, and the right one among others', 'refused', async (target) => {
    const host = `Host: ${new URL(target.agent).host}`;
    for (const keys of [
      [target.sdkKey, 'Another'],
      ['Another', target.sdkKey],
    ]) {
      const headers = keys.map((key) => `X-Optimizely-SDK-Key: ${key}`);
      const { statuses } = await raw(target.agent, request('GET /v1/config', [host, ...headers]));
      for (const status of statuses) requireRefused('two SDK keys', status);
    }
  }),
  attack(
    'flood of unknown keys',
    `${FLOOD} keys that do not exist, then the same again`,
    'bounded calls to the CDN; the known key is served',
    async (target) => {
      const wrong = new Set<number>();
      const key = (i: number) => `Unknown${target.revision}x${i}`;
      for (const round of [1, 2]) {
        const before = await denials(target.addresses.cdn);
        const flood = Array.from({ length: FLOOD }, (_, i) =>
          ask(target.agent, '/v1/config', { headers: jsonHeaders(key(i)) }),
        );
        const served = target.requireServed();
        for (const { status } of await Promise.all(flood))
          if (status === 0 || status >= 500) wrong.add(status);
        await served;
        const calls = (await denials(target.addresses.cdn)) - before;
        require(calls <= FLOOD * 1.1, `the CDN was asked ${calls} times in round ${round}`);
      }
      wrong.delete(503); // Too many at a time.
      require(wrong.size === 0, `answered ${[...wrong].join(', ')}`);
    },
  ),
  {
    ...attack(
      'a CDN that leads elsewhere',
      'the CDN redirects an unknown key to a server of the attacker, which answers with something else',
      'followed as a client without credentials; nothing of it is served',
      async (target) => {
        const { cdn } = target.own;
        const trap = await startTrap();
        try {
          cdn.mood = (incoming, response) => {
            if (!incoming.url?.includes('Redirected')) return false;
            response.writeHead(302, { location: `${trap.url}/datafiles/x.json` });
            response.end();
            return true;
          };
          const headers = { 'x-optimizely-sdk-key': 'Redirected1' };
          const { status } = await ask(target.agent, '/v1/config', { headers });
          require(status >= 400, `a redirected key was answered ${status}`);
          require(trap.credentials().length ===
            0, `the redirect took along ${trap.credentials().join(', ')}`);
        } finally {
          cdn.mood = null;
          await trap.close();
        }
      },
    ),
    needsOwnStack: true,
  },
  {
    ...attack(
      'an unknown key with a bomb behind it',
      'the CDN answers endlessly, with the datafile of another key, with a web page',
      'refused, memory stays',
      async (target) => {
        const { cdn } = target.own;
        const endless = Buffer.alloc(256 * 1024, 0x20);
        try {
          cdn.mood = (incoming, response) => {
            if (!incoming.url?.includes('Bomb')) return false;
            response.writeHead(200, { 'content-type': 'application/json' });
            const pour = () => {
              while (!response.destroyed && response.write(endless));
            };
            response.on('drain', pour);
            pour();
            return true;
          };
          const { status } = await ask(target.agent, '/v1/config', {
            headers: { 'x-optimizely-sdk-key': 'Bomb1' },
          });
          require(status >= 400, `the bomb was answered ${status}`);
          cdn.mood = (incoming, response) => {
            if (!incoming.url?.includes('Bomb2')) return false;
            response.end(JSON.stringify(target.good));
            return true;
          };
          const other = await ask(target.agent, '/v1/config', {
            headers: { 'x-optimizely-sdk-key': 'Bomb2' },
          });
          require(other.status >= 400, 'the datafile of another key was served');
        } finally {
          cdn.mood = null;
        }
      },
    ),
    needsOwnStack: true,
  },
  attack(
    'event-stream flood',
    `${STREAMS} event streams at once`,
    'some refused, decisions go on, room again afterwards',
    async (target) => {
      const aborter = new AbortController();
      const path = `${target.agent}/v1/datafile/stream`;
      const headers = { 'x-optimizely-sdk-key': target.sdkKey };
      const streams = Array.from({ length: STREAMS }, () =>
        fetch(path, { headers, signal: aborter.signal }).then(
          ({ status }) => status,
          () => 0, // Cut off: refused as well.
        ),
      );
      const statuses = await Promise.all(streams);
      const opened = statuses.filter((status) => status === 200).length;
      try {
        require(opened < STREAMS, 'every stream was opened');
        await target.requireServed();
        await target.goodChange();
      } finally {
        aborter.abort();
      }
      for (let tries = 0; ; tries++) {
        const again = new AbortController();
        const { status } = await fetch(path, { headers, signal: again.signal });
        again.abort();
        if (status === 200) return;
        require(tries < 50, 'no stream can be opened after the flood');
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
  ),
  attack(
    'secrets by their names',
    'tokens and keys of other environments in the header',
    'refused; nothing in the answer',
    async (target) => {
      for (const key of [
        `${OTHER_KEY}:guess`,
        `${OTHER_KEY}::`,
        `${target.sdkKey}x`,
        target.sdkKey.toLowerCase(),
      ]) {
        const { status, text } = await ask(target.agent, '/v1/config', {
          headers: { 'x-optimizely-sdk-key': key },
        });
        // The other key is configured on a stack of its own, without a token: any client may have it.
        if (status !== 200) require(!text.includes('guess'), 'the token is in the answer');
        if (!key.startsWith(OTHER_KEY)) requireRefused(key, status);
      }
    },
  ),
];

async function denials(cdn: string): Promise<number> {
  const stats = (await (await fetch(`${cdn}/stats`)).json()) as Record<string, number>;
  return (stats.denied ?? 0) + (stats.fetches ?? 0);
}
