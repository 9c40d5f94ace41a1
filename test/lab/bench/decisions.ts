// `npm run bench -- decisions`: what a decision costs from the body of a request to the text of its answer, plain and with what a
// datafile or a request may have beside it; without HTTP. In one process, all kinds in turn, so that the machine's moods touch them alike: only ratios mean anything.

import { FlagClients } from '../../../agent/decisions/clients.ts';
import { UserDecisions } from '../../../agent/decisions/decide.ts';
import type { FlagClient } from '../../../agent/decisions/flag-client.ts';
import { decisionText, userText } from '../../../agent/decisions/flags/decision.ts';
import type { DecisionRequest } from '../../../agent/decisions/flags/request.ts';
import { MemoryProfiles } from '../../../agent/decisions/profiles/memory.ts';
import { FetchedProfile, RequestProfiles } from '../../../agent/decisions/profiles/request-profiles.ts';
import { parseDecideRequest } from '../../../agent/http/decide/request.ts';
import { sha256Of, toSdkKey } from '../../../core/ids.ts';
import { generateDatafile, LOCAL_SDK_KEY } from '../../../infra/local/optimizely/datafile.ts';
import { LIMITS } from '../../agent/support/bounds.ts';
import type { Goal } from './goals.ts';
import { median } from './stats.ts';

const FLAGS = 100;
const USERS = 1_000;
/** Processor time of one kind in one round. */
const ROUND_MS = 250;
const WARM_UP_ROUNDS = 2;
const HOLDOUTS_GOAL = 0.9;
const PROFILES_GOAL = 0.7;

export interface DecisionsReport {
  readonly rounds: number;
  /** Requests a second of processor time; medians over the rounds. */
  readonly kinds: readonly { readonly name: string; readonly onePerS: number; readonly allPerS: number }[];
  readonly goals: readonly Goal[];
}

interface Kind {
  readonly name: string;
  /** Decides one flag, or all of them, for a user, and writes the answer. */
  readonly decide: (userId: string, isAll: boolean) => string;
}

/** @throws whatever is wrong with the generated datafiles */
export async function measureDecisions(options: {
  readonly rounds: number;
  readonly progress: (line: string) => void;
}): Promise<DecisionsReport> {
  const { rounds, progress } = options;
  const kinds = [
    await kind('plain', {}),
    await kind('with holdouts', { hasHoldouts: true }),
    await kind('with profiles in memory', { hasProfiles: true }),
    await kind('with a forced decision', { isForced: true }),
  ];
  const rates = kinds.map(() => ({ one: [] as number[], all: [] as number[] }));
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    if (round >= 0) progress(`round ${round + 1} of ${rounds}`);
    for (const [i, { decide }] of kinds.entries())
      for (const which of ['one', 'all'] as const) {
        const rate = rateOf((userId) => decide(userId, which === 'all'));
        if (round >= 0) rates[i]?.[which].push(rate);
      }
  }
  const ratio = (i: number, which: 'one' | 'all') =>
    median((rates[i]?.[which] ?? []).map((rate, round) => rate / (rates[0]?.[which][round] as number)));
  const goal = (name: string, i: number, which: 'one' | 'all', limit: number): Goal => ({
    name: `${name} ÷ plain, ${which === 'one' ? 'one flag' : `all ${FLAGS}`}`,
    ...{ value: ratio(i, which), limit, unit: '', atLeast: true },
  });
  return {
    rounds,
    kinds: kinds.map(({ name }, i) => ({
      name,
      onePerS: median(rates[i]?.one ?? []),
      allPerS: median(rates[i]?.all ?? []),
    })),
    goals: (['one', 'all'] as const).flatMap((which) => [
      goal('holdouts', 1, which, HOLDOUTS_GOAL),
      goal('profiles', 2, which, PROFILES_GOAL),
    ]),
  };
}

/** By processor time, which other programs on the machine do not take away. */
function rateOf(decide: (userId: string) => string): number {
  const started = process.cpuUsage();
  let count = 0;
  let elapsedUs = 0;
  do {
    for (let i = 0; i < 10; i++) decide(userIdOf(count++ % USERS));
    const { user, system } = process.cpuUsage(started);
    elapsedUs = user + system;
  } while (elapsedUs < ROUND_MS * 1_000);
  return (count / elapsedUs) * 1_000_000;
}

interface KindOptions {
  readonly hasHoldouts?: boolean;
  readonly hasProfiles?: boolean;
  readonly isForced?: boolean;
}

async function kind(name: string, { hasHoldouts, hasProfiles, isForced }: KindOptions): Promise<Kind> {
  const datafile = { ...generateDatafile({ flags: FLAGS }), ...(hasHoldouts ? HOLDOUTS : {}) };
  const body = Buffer.from(JSON.stringify(datafile));
  const desk = new RequestProfiles();
  const clients = new FlagClients({
    dispatcher: { dispatchEvent: async () => ({}) },
    ...(hasProfiles ? { profiles: desk } : {}),
    onCloseFailed: () => {},
  });
  const { built } = await clients.build(body, sha256Of(body), { sdkKey: toSdkKey(LOCAL_SDK_KEY) });
  const forcedDecisions = isForced ? [{ flagKey: 'flag_1', ruleKey: '', variationKey: 'on' }] : [];
  const bodyOf = (userId: string) => Buffer.from(JSON.stringify({ userId, ...QUESTION, forcedDecisions }));
  const bodies = new Map(Array.from({ length: USERS }, (_, i) => [userIdOf(i), bodyOf(userIdOf(i))]));
  const ask = (userId: string, isAll: boolean) => {
    const request = parseDecideRequest(bodies.get(userId) as Buffer, LIMITS);
    if (typeof request === 'string') throw new Error(request);
    return answerOf(built, request, isAll ? built.flagKeys : ['flag_1']);
  };
  if (!hasProfiles) return { name, decide: ask };
  const profiles = new MemoryProfiles({ capacity: 0, storageStrategy: 'fifo' });
  return {
    name,
    // As the door to the API does: see withProfiles().
    decide: (userId, isAll) => {
      const session = new FetchedProfile(profiles.lookup(userId));
      const answer = desk.serve(session, () => ask(userId, isAll));
      if (session.saved !== null) profiles.save(session.saved);
      return answer;
    },
  };
}

const userIdOf = (index: number): string => `user-${index}`;

const QUESTION = {
  userAttributes: { country: 'DE', plan: 'granite', age: 30 },
  decideOptions: ['DISABLE_DECISION_EVENT'],
};

const UNHURRIED = {
  turns: {
    isOver: false,
    isCrowded: false,
    next: async () => {},
    long: <T>(work: () => Promise<T>) => work(),
  },
  asker: { isGone: false },
};

function answerOf(client: FlagClient, request: DecisionRequest, flagKeys: readonly string[]): string {
  const decisions = new UserDecisions(client, request);
  const who = userText(request.userId, request.userAttributes);
  let list = '';
  void decisions.each(flagKeys, UNHURRIED, (decision) => {
    list += decisionText(decision, who, true);
  });
  return list;
}

/** Two for every flag, of a twentieth of all users each, and one for a rule. */
const HOLDOUTS = {
  holdouts: ['901', '902'].map((id) => holdoutOf(id, {})),
  localHoldouts: [holdoutOf('903', { includedRules: ['904'] })],
};

function holdoutOf(id: string, more: object) {
  return {
    ...{ id, key: `holdout_${id}`, status: 'Running', audienceIds: [], audienceConditions: [] },
    variations: [{ id: `${id}1`, key: 'off', featureEnabled: false, variables: [] }],
    trafficAllocation: [{ entityId: `${id}1`, endOfRange: 500 }],
    ...more,
  };
}
