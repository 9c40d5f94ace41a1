// An agent of several workers, as in a container of the default size: what one client makes a worker send to the primary must not hold
// up the connections that both hand over between them, nor end either.

import { type Attack, require, requireStatus } from '../attack.ts';
import { besideOthers, seenByOthers } from '../bystander.ts';
import { BIG_KEY } from '../stage.ts';
import { judgeStalls, type Sight, stalledMsOf } from '../stall.ts';
import type { Target } from '../target.ts';
import { type SideAgent, withAgent } from './agent-part.ts';
import { ask, jsonHeaders } from './api-ask.ts';

const attack = (
  name: string,
  tries: string,
  run: (target: Target, agent: SideAgent) => Promise<unknown>,
  settings: Readonly<Record<string, string>> = {},
): Attack => ({
  ...{ area: 'agent API', name, tries, needsOwnStack: true },
  expects: 'others decide meanwhile, on new connections too; no process ends',
  run: (target) =>
    withAgent(target, { AGENT_WORKERS: '2', ...settings }, async (agent) => {
      await besideOthers(target, () => run(target, agent), { agents: [agent.api] });
      await requireNoneEnded(agent);
    }),
});

const WITH_PROFILES = {
  OPTIMIZELY_CLIENT_USERPROFILESERVICE: JSON.stringify({
    ...{ default: 'in-memory', services: { 'in-memory': { capacity: 0 } } },
  }),
};
const CONNECTIONS = 64;
/** Beside what others wait for where the decisions send no events: a fresh agent lets the SDK decide each flag once. */
const STALLED_MORE_MAX_MS = 1_000;
const LASTS_MS = 4_000;

/** So many at a time, each again as soon as it is answered. */
async function flood(connections: number, send: (i: number) => Promise<{ status: number }>): Promise<void> {
  const endMs = performance.now() + LASTS_MS;
  let sent = 0;
  const one = async () => {
    while (performance.now() < endMs) {
      const { status } = await send(sent++);
      requireStatus('it', status, 200, 413, 503);
    }
  };
  await Promise.all(Array.from({ length: connections }, one));
}

async function requireNoneEnded({ admin }: SideAgent): Promise<void> {
  const { text } = await ask(admin, '/health');
  const { workers } = JSON.parse(text) as { workers?: { all: { restarts: number }[] } };
  const restarts = workers?.all.map((worker) => worker.restarts) ?? [];
  require(restarts.length === 2, `there are ${restarts.length} workers`);
  require(restarts.every((count) => count === 0), `workers have ended ${restarts.join(' and ')} times`);
}

export const API_WORKERS: readonly Attack[] = [
  {
    ...attack('a flood of events', `${CONNECTIONS} connections that decide all of 100 flags`, async () => {}),
    expects: 'others decide meanwhile as if the decisions sent no events',
    run: async (target) => {
      const quiet = await seenBesideDecisions(target, ['DISABLE_DECISION_EVENT']);
      const loud = await seenBesideDecisions(target, []);
      const quietMs = Math.max(
        ...quiet.all.map((seen) => stalledMsOf(seen, quiet.slowdown) / quiet.slowdown),
      );
      target.note(`without events: ${judgeStalls(quiet, Number.POSITIVE_INFINITY)}`);
      target.note(`with events: ${judgeStalls(loud, STALLED_MORE_MAX_MS + 2 * quietMs)}`);
    },
  },
  attack(
    'a flood of large profiles',
    '16 saves of profiles of 1.2 MB at a time',
    (_, agent) => flood(16, (i) => save(agent, `user-${i}`, bucketMap(30, 40_000))),
    WITH_PROFILES,
  ),
  attack(
    'a flood of profiles',
    '32 saves of profiles of 100 experiments at a time',
    (_, agent) => flood(32, (i) => save(agent, `user-${i}`, bucketMap(100, 10))),
    WITH_PROFILES,
  ),
];

/** What others see while a fresh agent decides all flags for many at a time. */
async function seenBesideDecisions(target: Target, decideOptions: readonly string[]): Promise<Sight> {
  let seen: Sight = { all: [], slowdown: 1 };
  await withAgent(target, { AGENT_WORKERS: '2' }, async (agent) => {
    const decide = (i: number) =>
      ask(agent.api, '/v1/decide', {
        headers: jsonHeaders(BIG_KEY),
        body: JSON.stringify({ userId: `user-${i}`, decideOptions }),
      });
    seen = await seenByOthers(target, () => flood(CONNECTIONS, decide), { agents: [agent.api] });
    await requireNoneEnded(agent);
  });
  return seen;
}

const save = ({ api }: SideAgent, userId: string, experimentBucketMap: object) =>
  ask(api, '/v1/save', {
    headers: jsonHeaders(BIG_KEY),
    body: JSON.stringify({ userId, experimentBucketMap }),
  });

const bucketMap = (experiments: number, characters: number) =>
  Object.fromEntries(
    Array.from({ length: experiments }, (_, i) => [
      `${i}`,
      { variation_id: `${i}`.padStart(characters, '0') },
    ]),
  );
