// Names, keys and connections at an agent's doors: who is not known must neither come in by a claim nor use up what others need.

import { type Attack, require } from '../attack.ts';
import { besideOthers } from '../bystander.ts';
import { crowd } from '../crowd.ts';
import { raw, request } from '../raw.ts';
import type { Target } from '../target.ts';
import { ask, jsonHeaders } from './api-ask.ts';

const attack = (name: string, tries: string, expects: string, run: Attack['run']): Attack => ({
  ...{ area: 'agent API', name, tries, expects, run, needsOwnStack: true },
});

/** A stranger's, each once. */
/** Look-ups are limited by the client's address: strangers have another one. */
const STRANGER = '127.0.0.2';
const MADE_UP = 600;
const REAL = 12;
const SILENT = 2_000;
const LASTS_MS = 1_500;

/** As a page of another site would have a browser of this machine ask, and by names that such a page may claim. */
async function requireShut(url: string, paths: readonly string[], more: readonly string[]): Promise<void> {
  const claims = [
    ...['X-Forwarded-Host: 127.0.0.1', 'X-Forwarded-Host: localhost', 'Forwarded: host=localhost'],
    ...['Forwarded: for=1;host="127.0.0.1"', 'X-Forwarded-Host: localhost, evil.example'],
  ];
  for (const path of paths)
    for (const claim of claims) {
      const { statuses } = await raw(url, request(`GET ${path}`, ['Host: evil.example', claim, ...more]));
      require(statuses.length === 1 && statuses[0] === 404, `${path}, ${claim}: ${statuses.join(', ')}`);
    }
}

export const API_DOORS: readonly Attack[] = [
  attack(
    'a name by claim',
    "another site's name in Host, an allowed one as forwarded, at every port",
    '404',
    async (target: Target) => {
      const key = `X-Optimizely-SDK-Key: ${target.sdkKey}`;
      await requireShut(target.agent, ['/v1/config', '/v1/datafile'], [key]);
      const [first] = target.addresses.agents;
      await requireShut(first?.admin ?? '', ['/config', '/metrics', '/info'], ['Accept: text/plain']);
    },
  ),
  attack('two hosts', 'two Host headers, in both orders', '400', async (target) => {
    const own = `Host: ${new URL(target.agent).host}`;
    for (const hosts of [
      [own, 'Host: evil.example'],
      ['Host: evil.example', own],
    ]) {
      const headers = [...hosts, `X-Optimizely-SDK-Key: ${target.sdkKey}`];
      const { statuses } = await raw(target.agent, request('GET /v1/config', headers));
      require(statuses[0] === 400, `answered ${statuses.join(', ')}`);
    }
  }),
  attack(
    'made-up keys beside real ones',
    `${MADE_UP} keys that do not exist, while ${REAL} real ones are first asked for`,
    'the real ones are served, and so are those that are configured',
    (target) =>
      besideOthers(target, async () => {
        const { cdn } = target.own;
        cdn.mood = ({ url = '' }, response) => {
          const sdkKey = /\/(Real\w+)\.json/.exec(url)?.[1];
          if (sdkKey === undefined) return false;
          response.writeHead(200, { 'content-type': 'application/json' });
          response.end(JSON.stringify({ ...target.good, sdkKey }));
          return true;
        };
        const first = (key: string, from?: string) =>
          ask(target.agent, '/v1/config', { headers: jsonHeaders(key), ...(from && { from }) });
        try {
          const madeUp = Array.from({ length: MADE_UP }, (_, i) =>
            first(`MadeUp${target.revision}x${i}`, STRANGER),
          );
          const statuses: number[] = [];
          for (let i = 0; i < REAL; i++) statuses.push((await first(`Real${target.revision}x${i}`)).status);
          await Promise.all(madeUp);
          require(statuses.every((status) => status === 200), `real keys: ${statuses.join(', ')}`);
        } finally {
          cdn.mood = null;
        }
      }),
  ),
  attack('silent connections', `${SILENT} of which nothing comes`, 'others decide meanwhile', (target) =>
    besideOthers(target, () => crowd(target.agent, { count: SILENT, begins: '', lastsMs: LASTS_MS })),
  ),
];
