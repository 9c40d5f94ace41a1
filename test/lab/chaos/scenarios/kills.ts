// SIGKILL of each process of the plain stack, the functions in the middle of their work.

import type { Part } from '../../../../infra/local/stack/part.ts';
import { blockedWithout, childrenOf } from '../machine.ts';
import { RULES } from '../rules.ts';
import { agentSays, LEFT_THE_BUS, type Scenario } from '../scenario.ts';
import { type Stage, WORKERS_AGENT } from '../stage.ts';

const plain = { stage: 'plain', faultMs: 3_000 } as const;
/** The one of the three that nothing else is tried on. */
const KILLED_AGENT = 1;
/** Longer than agents may be behind: an agent that does not fall back to S3 is found. */
const LEFT_MS = 11_000;
/** Long enough for a kill to meet a function at work. */
const SLOW_CDN_MS = 250;
/** After which a function waits for the CDN. */
const MID_FLIGHT_MS = 100;

const pauseMs = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const partOf = (stage: Stage, name: 'nats' | 's3' | 'cdn' | 'webhook' | 'bridge' | 'reconcile'): Part => {
  const part = stage.stack.parts[name];
  if (part === undefined) throw new Error(`the stack has no ${name}`);
  return part;
};

const setKnobs = async ({ stack }: Stage, cdn: object): Promise<void> => {
  const response = await fetch(`${stack.urls.cdn}/knobs`, { method: 'PUT', body: JSON.stringify({ cdn }) });
  await response.arrayBuffer();
};

const killAgent = (name: string, index: number, what: string): Scenario => ({
  ...plain,
  name,
  what,
  rule: RULES.bus,
  begin: async ({ stack }, watch) => {
    const part = stack.agents[index]?.part;
    watch.died(index);
    await part?.kill('SIGKILL');
    return async () => {
      await part?.start();
      watch.revived(index);
    };
  },
});

export const kills: readonly Scenario[] = [
  {
    ...plain,
    name: 'kill-nats',
    faultMs: LEFT_MS,
    what: 'nats-server is killed: agents follow through S3, and over the bus again when it is back',
    rule: RULES.bus,
    staleRule: RULES.left,
    trace: agentSays(KILLED_AGENT, LEFT_THE_BUS),
    begin: async (stage) => {
      await partOf(stage, 'nats').kill('SIGKILL');
      return () => partOf(stage, 'nats').start();
    },
  },
  killAgent('kill-agent', KILLED_AGENT, 'an agent is killed: it starts from its disk and catches up'),
  killAgent(
    'kill-primary',
    WORKERS_AGENT as number,
    'the primary of an agent with workers is killed: they end with it',
  ),
  {
    ...plain,
    name: 'kill-worker',
    what: 'one of two workers of an agent is killed: its connections end, another worker takes the next',
    rule: RULES.bus,
    blocked: blockedWithout,
    trace: agentSays(WORKERS_AGENT as number, /"event":"worker\.exited"/),
    begin: async ({ stack }, watch) => {
      const [worker] = await childrenOf(stack.agents[WORKERS_AGENT]?.part.pid ?? 0);
      if (worker === undefined) throw new Error('the agent has no workers');
      watch.died(WORKERS_AGENT);
      process.kill(worker, 'SIGKILL');
      return async () => watch.revived(WORKERS_AGENT);
    },
  },
  {
    ...plain,
    name: 'kill-webhook',
    what: 'the webhook function is killed while it waits for the CDN: what it had not stored reconcile finds',
    rule: RULES.reconcile,
    begin: async (stage, watch) => {
      await setKnobs(stage, { delayMs: SLOW_CDN_MS });
      await watch.changes.untilOneIsOpen();
      await pauseMs(MID_FLIGHT_MS);
      await partOf(stage, 'webhook').kill('SIGKILL');
      return async () => {
        await setKnobs(stage, {});
        await partOf(stage, 'webhook').start();
      };
    },
  },
  {
    ...plain,
    name: 'kill-bridge',
    what: 'the bridge is killed: the direct announcement is enough',
    rule: RULES.bus,
    begin: async (stage) => {
      await partOf(stage, 'bridge').kill('SIGKILL');
      return () => partOf(stage, 'bridge').start();
    },
  },
  {
    ...plain,
    name: 'kill-reconcile',
    what: 'reconcile is killed in the middle of a run: the next run is whole',
    rule: RULES.bus,
    begin: async (stage) => {
      await setKnobs(stage, { delayMs: SLOW_CDN_MS });
      const run = stage.stack.runReconcile().catch(() => undefined); // Killed is what it shall be.
      await pauseMs(MID_FLIGHT_MS);
      await partOf(stage, 'reconcile').kill('SIGKILL');
      await run;
      return async () => {
        await setKnobs(stage, {});
        await partOf(stage, 'reconcile').start();
      };
    },
  },
  {
    ...plain,
    name: 'kill-s3',
    what: 'S3 is killed: webhooks are queued or refused, agents serve what they have',
    rule: RULES.reconcile,
    begin: async (stage) => {
      await partOf(stage, 's3').kill('SIGKILL');
      return () => partOf(stage, 's3').start();
    },
  },
  {
    ...plain,
    name: 'kill-cdn',
    what: 'the CDN is killed: no change can be made, and everything goes on as it was',
    rule: RULES.reconcile,
    begin: async (stage, watch) => {
      await partOf(stage, 'cdn').kill('SIGKILL');
      return async () => {
        await partOf(stage, 'cdn').start();
        await watch.changes.restoreCdn();
      };
    },
  },
  {
    ...plain,
    name: 'kill-all-but-agents',
    what: 'the power fails everywhere but at the agents: they serve what they have',
    rule: RULES.reconcile,
    begin: async ({ stack }, watch) => {
      const parts = Object.values(stack.parts) as readonly Part[];
      await Promise.all(parts.map((part) => part.kill('SIGKILL')));
      return async () => {
        await Promise.all(parts.map((part) => part.start()));
        await watch.changes.restoreCdn();
      };
    },
  },
];
