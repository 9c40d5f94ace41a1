// `npm run bench -- soak`: the whole system under changes and decisions for minutes. Does memory stay, is every decision
// answered and every change received, and is the last minute as fast as the first?

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { generateDatafile } from '../../../../infra/local/optimizely/datafile.ts';
import type { Part } from '../../../../infra/local/stack/part.ts';
import { type Stack, startStack } from '../../../../infra/local/stack/stack.ts';
import { Changes } from './soak-changes.ts';
import { sharedNowMs } from './soak-clock.ts';
import type { LoadFigures, LoadOrder, LoadPlan } from './soak-load.ts';
import { type MemorySample, memoryOf, residentBytes } from './soak-memory.ts';
import { startReceivers } from './soak-receivers.ts';
import { type SoakFigures, type SoakReport, soakReport } from './soak-report.ts';

export interface SoakOptions {
  readonly minutes: number;
  readonly subscribers: number;
  readonly agents: number;
  readonly progress: (line: string) => void;
}

const FLAGS = 100;
const CONNECTIONS_PER_AGENT = 16;
/** Code is compiled, connections are opened, the first garbage is made. */
const WARM_UP_MS = 10_000;
/** Processes grow to their size over some hundred changes, which in a second each would take minutes. */
const WARM_UP_CHANGES = 400;
const WARM_UP_MAX_MS = 60_000;
/**
 * Of the functions' old heap: with a machine's memory to itself V8 puts its collections off for as long as a bench takes,
 * and what is kept for good cannot be told from what is not collected yet. In Lambda they have 512 MB in all.
 */
const FUNCTION_HEAP_MB = 64;
const SATURATE_MS = 8_000;
const SHARE_OF_SATURATION = 0.5;
const SAMPLE_EVERY_MS = 2_000;
/** Heaps find their size in the first part of a run, which says nothing of the rest. */
const MEMORY_SETTLED_SHARE = 0.2;
const SETTLE_TIMEOUT_MS = 10_000;
const POLL_MS = 50;
const MS_PER_MINUTE = 60_000;

export async function measureSoak(options: SoakOptions): Promise<SoakReport> {
  const { agents, subscribers, minutes, progress } = options;
  const datafile = generateDatafile({ flags: FLAGS });
  progress(`starting the stack with ${agents} agents and ${subscribers} subscribers …`);
  const lambdaEnv = { NODE_OPTIONS: `--max-old-space-size=${FUNCTION_HEAP_MB}` };
  const stack = await startStack({ agents, datafile, lambdaEnv });
  const ended: string[] = [];
  for (const part of partsOf(stack)) part.onEnd((how) => ended.push(`${part.name}: ${how}`));
  const changes = new Changes(stack, datafile, subscribers + agents);
  let load: ChildProcess | undefined;
  try {
    const receivers = await startReceivers(stack, subscribers, (receiver, revision, atMs) =>
      changes.arrived(receiver, revision, atMs),
    );
    try {
      progress(`${WARM_UP_CHANGES} changes to warm up …`);
      await changes.warmUp(WARM_UP_CHANGES, WARM_UP_MAX_MS);
      load = startLoad(stack);
      const totalMs = WARM_UP_MS + SATURATE_MS + minutes * MS_PER_MINUTE;
      const changing = changes.run(sharedNowMs() + totalMs);
      const saturated = await findSaturation(load, progress);
      const rate = saturated.perS * SHARE_OF_SATURATION;
      progress(`${saturated.perS.toFixed(0)} decisions/s at most; ${minutes} min at ${rate.toFixed(0)}/s …`);
      await order(load, { perS: rate });
      const fromMs = sharedNowMs();
      const samples = await sampleMemory(stack, changing, minutes, progress);
      const decisions = await order(load, { perS: 0 });
      await untilSettled(changes);
      const faults = await receivers.finish();
      const memory = [...samples].map(([name, own]) =>
        memoryOf(name, own, fromMs + minutes * MS_PER_MINUTE * MEMORY_SETTLED_SHARE),
      );
      const figures: SoakFigures = {
        ...{ minutes, subscribers, agents, fromMs, memory, saturated, decisions, faults, ended },
        ...{ changes: changes.results(), refused: changes.refused },
      };
      return soakReport(figures);
    } finally {
      receivers.close();
    }
  } finally {
    load?.kill();
    await stack.stop();
  }
}

function partsOf({ parts, agents }: Stack): Part[] {
  const { nats, s3, sns, cdn, webhook, bridge, reconcile } = parts;
  const all = [...agents.map(({ part }) => part), webhook, bridge, reconcile, nats, s3, sns, cdn];
  return all.filter((part) => part !== undefined);
}

function startLoad({ addresses }: Stack): ChildProcess {
  const plan: LoadPlan = {
    apis: addresses.agents.map(({ api }) => api),
    sdkKey: addresses.sdkKey,
    flagKey: 'flag_1',
    connectionsPerAgent: CONNECTIONS_PER_AGENT,
  };
  return fork(fileURLToPath(new URL('./soak-load.ts', import.meta.url)), [JSON.stringify(plan)]);
}

async function order(load: ChildProcess, next: LoadOrder): Promise<LoadFigures> {
  const answered = once(load, 'message');
  load.send(next);
  const [figures] = (await answered) as [LoadFigures];
  return figures;
}

/** With changes and subscribers already there: what is left for decisions is what counts. */
async function findSaturation(load: ChildProcess, progress: (line: string) => void): Promise<LoadFigures> {
  progress('warming up, then as many decisions as the agents can make …');
  await order(load, { perS: null });
  await sleep(WARM_UP_MS);
  await order(load, { perS: null });
  await sleep(SATURATE_MS);
  return order(load, { perS: 0 });
}

/** Until there are no more changes. */
async function sampleMemory(
  stack: Stack,
  changing: Promise<void>,
  minutes: number,
  progress: (line: string) => void,
): Promise<Map<string, MemorySample[]>> {
  const samples = new Map<string, MemorySample[]>();
  const startMs = sharedNowMs();
  let minutesTold = 0;
  const state = { over: false };
  void changing.finally(() => {
    state.over = true;
  });
  while (!state.over) {
    for (const { name, pid } of partsOf(stack)) {
      const bytes = pid === undefined ? null : await residentBytes(pid);
      if (bytes === null) continue;
      samples.set(name, [...(samples.get(name) ?? []), { atMs: sharedNowMs(), bytes }]);
    }
    const passed = Math.floor((sharedNowMs() - startMs) / MS_PER_MINUTE);
    if (passed > minutesTold) progress(`  ${passed} of ${minutes} min`);
    minutesTold = Math.max(minutesTold, passed);
    await Promise.race([sleep(SAMPLE_EVERY_MS), changing]);
  }
  await changing;
  return samples;
}

async function untilSettled(changes: Changes): Promise<void> {
  const deadlineMs = sharedNowMs() + SETTLE_TIMEOUT_MS;
  while (!changes.isSettled && sharedNowMs() < deadlineMs) await sleep(POLL_MS);
}
