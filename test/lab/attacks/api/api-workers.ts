// An agent of several workers, as in a container of the default size: what one client makes a worker send to the primary must not hold
// up the connections that both hand over between them, nor end either.

import { type Attack, require, requireStatus } from '../attack.ts';
import { besideOthers, seenByOthers } from '../bystander.ts';
import { BIG_KEY } from '../stage.ts';
import { judgeStalls, type Sight } from '../stall.ts';
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
/**
 * How much longer the decisions of others may take because those of the flood send events. It was twenty times and more where
 * new connections waited behind them.
 */
const SLOWER_MAX = 5;
const LASTS_MS = 5_000;
const WARM_UP_MS = 2_000;

/** So many at a time, each again as soon as it is answered. */
async function flood(
  connections: number,
  send: (i: number) => Promise<{ status: number }>,
  lastsMs = LASTS_MS,
): Promise<void> {
  const endMs = performance.now() + lastsMs;
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
      const [quiet, loud] = await seenBesideDecisions(target);
      for (const [what, sight] of [
        ['without events', quiet],
        ['with events', loud],
      ] as const)
        target.note(`${what}: ${judgeStalls(sight, Number.POSITIVE_INFINITY)}`);
      const [before, after] = [decisionsOf(quiet), decisionsOf(loud)];
      require(after * SLOWER_MAX >=
        before, `others decided ${after} times, ${before} times without the events`);
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

/** Others ask again as soon as they are answered: in the same time they decide the more often, the less they wait. */
const decisionsOf = ({ all }: Sight): number => all[0]?.tookMs.length ?? 0;

const WITH_EVENTS: readonly string[] = [];
const WITHOUT_EVENTS: readonly string[] = ['DISABLE_DECISION_EVENT'];

/** What others see while an agent decides all flags for many at a time, without events and with them. */
async function seenBesideDecisions(target: Target): Promise<readonly [Sight, Sight]> {
  const seen: Sight[] = [];
  await withAgent(target, { AGENT_WORKERS: '2' }, async (agent) => {
    // A fresh agent lets the SDK decide each flag once, which takes long: that is not what is looked at.
    await decideAll(agent, WITH_EVENTS, WARM_UP_MS);
    for (const options of [WITHOUT_EVENTS, WITH_EVENTS])
      seen.push(await seenByOthers(target, () => decideAll(agent, options), { agents: [agent.api] }));
    await requireNoneEnded(agent);
  });
  return seen as unknown as readonly [Sight, Sight];
}

const decideAll = ({ api }: SideAgent, decideOptions: readonly string[], lastsMs = LASTS_MS) =>
  flood(
    CONNECTIONS,
    (i) =>
      ask(api, '/v1/decide', {
        headers: jsonHeaders(BIG_KEY),
        body: JSON.stringify({ userId: `user-${i}`, decideOptions }),
      }),
    lastsMs,
  );

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
