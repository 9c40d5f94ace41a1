// How long an agent takes from its start to its first decision out of the disk cache, and what it holds when idle. The
// question is asked from outside from the very start on, as an impatient client would.

import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Stack } from '../../../infra/local/stack/stack.ts';
import { type Summary, summarise } from './stats.ts';
import { Watcher } from './watch.ts';

export interface AgentStart {
  /** Process started → first decision, ms. */
  readonly firstDecisionMs: Summary;
  readonly idleRssBytes: number;
}

const FLAG = 'flag_1';
const ASK_EVERY_MS = 5;
const START_TIMEOUT_MS = 10_000;
const IDLE_MS = 15_000;
const KIB = 1024;

/** Starts the stack's agent again and again on its own cache folder. */
export async function measureAgentStart(stack: Stack, runs: number): Promise<AgentStart> {
  const [agent] = stack.agents;
  if (agent === undefined) throw new Error('The stack has no agent to start again');
  const timesMs: number[] = [];
  for (let run = 0; run < runs; run++) {
    await agent.part.stop();
    const startedAtMs = performance.now();
    const ready = agent.part.start();
    timesMs.push((await firstDecisionAt(agent.api, stack.addresses.sdkKey)) - startedAtMs);
    await ready;
  }
  await sleep(IDLE_MS);
  return { firstDecisionMs: summarise(timesMs), idleRssBytes: await residentBytes(agent.part.pid ?? 0) };
}

async function firstDecisionAt(api: string, sdkKey: string): Promise<number> {
  const watcher = new Watcher(api, sdkKey);
  const untilMs = performance.now() + START_TIMEOUT_MS;
  try {
    while (performance.now() < untilMs) {
      // A refused connection costs little; the agent is asked again until it listens.
      if ((await watcher.decide(FLAG).catch(() => null)) !== null) return performance.now();
      await sleep(ASK_EVERY_MS);
    }
    throw new Error(`${api} gave no decision within ${START_TIMEOUT_MS} ms of its start`);
  } finally {
    watcher.close();
  }
}

/** Of another process, as Linux counts it; NaN where there is no /proc. */
async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) * KIB;
}
