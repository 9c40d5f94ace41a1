// Requests that cost far more than others of their size: what one client makes an agent do must neither hold up other clients nor
// fill the agent's container.

import { type Attack, require, requireStatus } from '../attack.ts';
import { besideOthers } from '../bystander.ts';
import { crowd } from '../crowd.ts';
import { agentPids, withinContainer } from '../memory.ts';
import { request } from '../raw.ts';
import { BIG_KEY } from '../stage.ts';
import type { Target } from '../target.ts';
import { ask, jsonHeaders } from './api-ask.ts';

const EXPECTS = 'refused or answered; others decide meanwhile, and the agent fits its container';

/** Others go on, and memory is looked at. */
const attack = (name: string, tries: string, run: (target: Target) => Promise<unknown>): Attack => ({
  ...{ area: 'agent API', name, tries, expects: EXPECTS, needsOwnStack: true },
  run: (target) => withinContainer(target, agentPids(target), () => besideOthers(target, () => run(target))),
});

const ATTRIBUTES = 60_000;
const USER_ID_BYTES = 900_000;
const LASTS_MS = 2_000;

const post = (target: Target, path: string, body: unknown, sdkKey: string = BIG_KEY) =>
  ask(target.agent, path, { headers: jsonHeaders(sdkKey), body: JSON.stringify(body) });

const attributes = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`a${i}`, i]));

const times = <T>(count: number, make: (i: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, i) => make(i)));

/** Refused for what is too much in it, or answered. */
function requireAnswered(answers: readonly { status: number }[]): void {
  for (const { status } of answers) requireStatus('it', status, 200, 204, 400, 413, 429, 503);
}

const largeUser = () => 'x'.repeat(USER_ID_BYTES);

export const API_ABUSE: readonly Attack[] = [
  attack(
    'attributes without end',
    `all of 100 flags for a user of ${ATTRIBUTES} attributes, with reasons`,
    async (target) => {
      const body = {
        userId: 'u',
        decideOptions: ['INCLUDE_REASONS'],
        userAttributes: attributes(ATTRIBUTES),
      };
      requireAnswered([await post(target, '/v1/decide', body)]);
    },
  ),
  attack(
    'attributes without end, elsewhere',
    'the same to activate, track and OFREP, and with a forced decision',
    async (target) => {
      const userAttributes = attributes(ATTRIBUTES);
      const forcedDecisions = [{ flagKey: 'flag_1', variationKey: 'x' }];
      const answers = [
        await post(target, '/v1/decide', { userId: 'u', userAttributes, forcedDecisions }),
        await post(target, '/v1/activate?type=feature&type=experiment', { userId: 'u', userAttributes }),
        await post(target, '/v1/track?eventKey=purchase', { userId: 'u', userAttributes }),
        await post(target, '/ofrep/v1/evaluate/flags', { context: { targetingKey: 'u', ...userAttributes } }),
      ];
      requireAnswered(answers);
    },
  ),
  attack(
    'forced decisions without end',
    '20,000 forced decisions for one user, and all flags',
    async (target) => {
      const forcedDecisions = Array.from({ length: 20_000 }, (_, i) => ({
        flagKey: `flag_${i}`,
        variationKey: `v${i}`,
      }));
      requireAnswered([await post(target, '/v1/decide', { userId: 'u', forcedDecisions })]);
    },
  ),
  attack(
    'a user id in every answer',
    'eight times all of 100 flags for a user id of 900 KB, at the same time',
    async (target) => {
      requireAnswered(await times(8, () => post(target, '/v1/decide', { userId: largeUser() })));
      const path = '/v1/activate?type=experiment&type=feature';
      requireAnswered(await times(4, () => post(target, path, { userId: largeUser() })));
    },
  ),
  attack(
    'batches of datafiles',
    'eight batches of 500 times the datafile, at the same time',
    async (target) => {
      const operation = { method: 'GET', url: '/v1/datafile', body: {}, params: {}, headers: {} };
      const operations = Array.from({ length: 500 }, (_, i) => ({ ...operation, operationID: String(i) }));
      requireAnswered(await times(8, () => post(target, '/v1/batch', { operations })));
    },
  ),
  attack('answers left unread', '100 connections that ask for 40 datafiles each, and read none', (target) =>
    crowd(target.agent, {
      ...{ count: 100, isDeaf: true, lastsMs: LASTS_MS },
      begins: request('GET /v1/datafile', [
        `Host: ${new URL(target.agent).host}`,
        `X-Optimizely-SDK-Key: ${BIG_KEY}`,
      ]).repeat(40),
    }),
  ),
  attack('overrides by bytes', '150 overrides of user ids of 900 KB', async (target) => {
    for (let i = 0; i < 150; i++) {
      const body = { userId: `${i}${largeUser()}`, experimentKey: 'flag_1_test', variationKey: 'on' };
      requireAnswered([await post(target, '/v1/override', body)]);
    }
    await post(target, '/v1/reset', {});
  }),
  attack(
    'streams that the client does not read, and large events',
    '200 streams without a reader, and 16 decisions for user ids of 900 KB',
    async (target) => {
      const streams = crowd(target.agent, {
        ...{ count: 200, isDeaf: true, lastsMs: LASTS_MS },
        begins: request('GET /v1/notifications/event-stream', [
          `Host: ${new URL(target.agent).host}`,
          `X-Optimizely-SDK-Key: ${BIG_KEY}`,
        ]),
      });
      requireAnswered(await times(16, () => post(target, '/v1/decide?keys=flag_1', { userId: largeUser() })));
      await streams;
    },
  ),
  attack(
    'strangers with real keys',
    '40 keys that are not configured, with datafiles of 2.4 MB',
    async (target) => {
      const { cdn } = target.own;
      const padding = 'x'.repeat(2_400_000);
      cdn.mood = ({ url = '' }, response) => {
        const sdkKey = /\/(Stranger\w+)\.json/.exec(url)?.[1];
        if (sdkKey === undefined) return false;
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ ...target.good, sdkKey, padding }));
        return true;
      };
      try {
        const answers = await times(40, (i) =>
          ask(target.agent, '/v1/config', { headers: jsonHeaders(`Stranger${target.revision}x${i}`) }),
        );
        require(answers.every(({ status }) => status !== 0 && status !== 500), 'one was not answered');
      } finally {
        cdn.mood = null;
      }
    },
  ),
];
