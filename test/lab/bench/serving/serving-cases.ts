// What the serving bench asks, and how fast Optimizely's own agent was recorded to answer it. Figures and questions only.

import type { Question } from './serving-load.ts';

export interface Case {
  readonly name: string;
  readonly question: (sdkKey: string) => Question;
  /** Of Optimizely Agent 4 (Go), one core for it and one for the load, 100 flags; recorded on another machine. */
  readonly recordedPerS: number;
  /** How many times that rate this agent is to reach; null: no goal. */
  readonly goal: number | null;
}

/** On the machine of the recording, of a bare echo to the original's decisions of one flag. */
export const ECHO_OVER_ORIGINAL = 2.7;

const QUIET = ['DISABLE_DECISION_EVENT'];

const decide =
  (keys: readonly string[], decideOptions: readonly string[]) =>
  (sdkKey: string): Question => ({
    method: 'POST',
    path: `/v1/decide${keys.map((key, i) => `${i === 0 ? '?' : '&'}keys=${key}`).join('')}`,
    headers: { 'Content-Type': 'application/json', 'X-Optimizely-SDK-Key': sdkKey },
    body: JSON.stringify({
      userId: '%USER%',
      userAttributes: { country: 'DE', plan: 'granite', age: 30 },
      decideOptions,
    }),
  });

const get =
  (path: string) =>
  (sdkKey: string): Question => ({
    method: 'GET',
    path,
    headers: { 'X-Optimizely-SDK-Key': sdkKey },
    body: null,
  });

export const ONE_FLAG: Case = {
  name: 'decide one flag',
  question: decide(['flag_1'], QUIET),
  recordedPerS: 6_500,
  goal: 2,
};

export const CASES: readonly Case[] = [
  ONE_FLAG,
  {
    name: 'decide one flag, with events',
    question: decide(['flag_1'], []),
    recordedPerS: 4_600,
    goal: 2,
  },
  {
    name: 'decide 3 flags',
    question: decide(['flag_1', 'flag_2', 'flag_3'], QUIET),
    recordedPerS: 4_700,
    goal: null,
  },
  { name: 'decide all 100 flags', question: decide([], QUIET), recordedPerS: 392, goal: 1.5 },
  { name: 'GET /v1/config', question: get('/v1/config'), recordedPerS: 308, goal: 10 },
  { name: 'GET /v1/datafile', question: get('/v1/datafile'), recordedPerS: 97, goal: 20 },
];
