// SIGSTOP and SIGCONT of each process of the plain stack: nothing is closed, nothing is answered, and then all at once.

import { blockedWithout, childrenOf } from '../machine.ts';
import { RULES, type Rule } from '../rules.ts';
import { agentSays, LEFT_THE_BUS, type Scenario } from '../scenario.ts';
import { type Stage, WORKERS_AGENT } from '../stage.ts';

const SHORT_MS = 4_000;
/** Two pings, five seconds apart, have to go unanswered before agents leave a bus that only looks connected. */
const NOTICED_MS = 23_000;
const FROZEN_AGENT = 1;

type FrozenPart = 'nats' | 's3' | 'cdn' | 'webhook' | 'bridge' | 'reconcile';

const freezePart = (part: FrozenPart, what: string, rule: Rule): Scenario => ({
  name: `freeze-${part}`,
  what,
  stage: 'plain',
  faultMs: SHORT_MS,
  rule,
  begin: async ({ stack }) => {
    const frozen = stack.parts[part];
    await frozen?.kill('SIGSTOP');
    return async () => frozen?.kill('SIGCONT');
  },
});

const freezePid = (name: string, what: string, pidOf: (stage: Stage) => Promise<number>): Scenario => ({
  name,
  what,
  stage: 'plain',
  faultMs: SHORT_MS,
  rule: RULES.bus,
  blocked: blockedWithout,
  begin: async (stage) => {
    const pid = await pidOf(stage);
    process.kill(pid, 'SIGSTOP');
    return async () => void process.kill(pid, 'SIGCONT');
  },
});

export const freezes: readonly Scenario[] = [
  {
    ...freezePart(
      'nats',
      'nats-server stands still: agents notice by their pings and follow through S3',
      RULES.halfOpen,
    ),
    faultMs: NOTICED_MS,
    staleRule: RULES.noticed,
    trace: agentSays(FROZEN_AGENT, LEFT_THE_BUS),
  },
  freezePid('freeze-agent', 'an agent stands still: it answers late, and catches up', async ({ stack }) => {
    return stack.agents[FROZEN_AGENT]?.part.pid ?? 0;
  }),
  freezePid(
    'freeze-worker',
    'one of two workers stands still: the other has what is new',
    async ({ stack }) => {
      const [worker] = await childrenOf(stack.agents[WORKERS_AGENT]?.part.pid ?? 0);
      if (worker === undefined) throw new Error('the agent has no workers');
      return worker;
    },
  ),
  freezePart('webhook', 'the webhook function stands still: its callers wait', RULES.reconcile),
  freezePart('bridge', 'the bridge stands still: the direct announcement is enough', RULES.bus),
  freezePart('reconcile', 'reconcile stands still: nothing needs it meanwhile', RULES.bus),
  freezePart('s3', 'S3 accepts connections and answers nothing', RULES.reconcile),
  freezePart('cdn', 'the CDN accepts connections and answers nothing', RULES.reconcile),
];
