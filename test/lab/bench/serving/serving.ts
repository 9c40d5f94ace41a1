// `npm run bench -- serving`: how many questions a second one agent answers on one core, with the load on another, and
// beside it in the same run a bare node:http server; then what a new datafile every second does to the slowest answers.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  type DatafileJson,
  generateDatafile,
  LOCAL_SDK_KEY,
} from '../../../../infra/local/optimizely/datafile.ts';
import { flipFlag } from '../../../../infra/local/optimizely/flip-flag.ts';
import { putDatafile, sendWebhook } from '../../../../infra/local/stack/client.ts';
import { type Stack, startStack } from '../../../../infra/local/stack/stack.ts';
import type { Goal } from '../goals.ts';
import { median } from '../stats.ts';
import { CASES, type Case, ECHO_OVER_ORIGINAL, ONE_FLAG } from './serving-cases.ts';
import {
  LOAD_CORE,
  type LoadResult,
  load,
  pin,
  type Question,
  requireTools,
  SERVER_CORE,
} from './serving-load.ts';

export interface ServingOptions {
  readonly rounds: number;
  /** Of one load. */
  readonly seconds: number;
  readonly progress: (line: string) => void;
}

export interface ServedCase {
  readonly name: string;
  /** Of one answer. */
  readonly bytes: number;
  /** Medians over the rounds. */
  readonly agent: LoadResult;
  readonly echo: LoadResult;
  /** Optimizely Agent 4, recorded elsewhere. */
  readonly recordedPerS: number;
  /** What that would be on this machine, by the echo. */
  readonly originalPerS: number;
}

export interface ServingReport {
  readonly rounds: number;
  readonly seconds: number;
  readonly cases: readonly ServedCase[];
  /** Decisions of one flag while the agent takes a new datafile every second, and while another key's changes. */
  readonly swapping: { readonly own: LoadResult; readonly others: LoadResult; readonly swaps: number };
  readonly goals: readonly Goal[];
}

const FLAGS = 100;
const OTHER_KEY = 'OtherFanoutKey1234567B';
const WARM_UP_S = 2;
const SWAP_EVERY_MS = 1_000;
const SWAP_P99_RATIO_MAX = 2;

interface Server {
  readonly base: string;
  readonly pid: number;
}

export async function measureServing(options: ServingOptions): Promise<ServingReport> {
  await requireTools();
  // What is started from here on is not to disturb the server: it shares the load's core.
  await pin(process.pid, LOAD_CORE);
  const dir = await mkdtemp(join(tmpdir(), 'datafile-fanout-bench-'));
  const datafile = generateDatafile({ flags: FLAGS });
  const others = generateDatafile({ flags: FLAGS, sdkKey: OTHER_KEY, environmentKey: 'staging' });
  options.progress('starting the stack with one agent …');
  const stack = await startStack({
    ...{ agents: 0, datafile, extraDatafiles: [others], reconcileIntervalMs: null },
  });
  try {
    const agent = await startAgent(stack);
    const echo = await startEcho();
    try {
      const cases: ServedCase[] = [];
      for (const one of CASES) {
        options.progress(`${one.name} …`);
        cases.push(await measureCase(one, { agent, echo, dir }, options, cases[0]));
      }
      options.progress(`${ONE_FLAG.name}, a new datafile every second …`);
      const swapping = await measureSwapping(stack, agent, [datafile, others], dir, options);
      const { rounds, seconds } = options;
      return { rounds, seconds, cases, swapping, goals: goals(cases, swapping) };
    } finally {
      echo.stop();
    }
  } finally {
    await stack.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

/** An agent of one worker that serves the first key alone. */
async function startAgent(stack: Stack): Promise<Server> {
  const env = { OPTIMIZELY_SDKKEYS: LOCAL_SDK_KEY, AGENT_WORKERS: '1', OPTIMIZELY_LOG_LEVEL: 'warn' };
  const { api, part } = await stack.addAgent({ env });
  const pid = part.pid ?? 0;
  await pin(pid, SERVER_CORE);
  return { base: api, pid };
}

async function startEcho(): Promise<Server & { stop(): void }> {
  const child = fork(fileURLToPath(new URL('./serving-echo.ts', import.meta.url)));
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  const pid = child.pid ?? 0;
  await pin(pid, SERVER_CORE);
  return { base: `http://127.0.0.1:${port}`, pid, stop: () => void child.kill('SIGKILL') };
}

interface Servers {
  readonly agent: Server;
  readonly echo: Server;
  readonly dir: string;
}

/** Agent and echo in turn, so that both meet the same disturbances. */
async function measureCase(
  { name, question: questionFor, recordedPerS }: Case,
  { agent, echo, dir }: Servers,
  { rounds, seconds }: ServingOptions,
  first: ServedCase | undefined,
): Promise<ServedCase> {
  const question = questionFor(LOCAL_SDK_KEY);
  const bytes = await answerBytes(agent, question);
  const echoed = { ...question, path: `/${bytes}` };
  await load(agent.base, question, agent.pid, WARM_UP_S, dir);
  await load(echo.base, echoed, echo.pid, WARM_UP_S, dir);
  // The recording knows the echo of a decision of one flag only; asked for each time, as machines have their moods.
  const yardstick = { ...ONE_FLAG.question(LOCAL_SDK_KEY), path: `/${first?.bytes ?? bytes}` };
  const ofAgent: LoadResult[] = [];
  const ofEcho: LoadResult[] = [];
  const ofYardstick: LoadResult[] = [];
  for (let round = 0; round < rounds; round++) {
    ofAgent.push(await load(agent.base, question, agent.pid, seconds, dir));
    ofEcho.push(await load(echo.base, echoed, echo.pid, seconds, dir));
    if (first !== undefined) ofYardstick.push(await load(echo.base, yardstick, echo.pid, seconds, dir));
  }
  const echoOfOneFlag = medians(first === undefined ? ofEcho : ofYardstick).requestsPerS;
  const scale = echoOfOneFlag / (ECHO_OVER_ORIGINAL * ONE_FLAG.recordedPerS);
  return {
    ...{ name, bytes, agent: medians(ofAgent), echo: medians(ofEcho), recordedPerS },
    originalPerS: recordedPerS * scale,
  };
}

async function answerBytes({ base }: Server, { method, path, headers, body }: Question): Promise<number> {
  const sent = body === null ? {} : { body: body.replace('%USER%', 'user-1') };
  const response = await fetch(`${base}${path}`, { method, headers, ...sent });
  const bytes = (await response.arrayBuffer()).byteLength;
  if (response.status !== 200) throw new Error(`The agent answers ${response.status} to ${method} ${path}`);
  return bytes;
}

/** Both times the stack is equally busy beside the load; only once is it the agent's own key that changes. */
async function measureSwapping(
  stack: Stack,
  agent: Server,
  datafiles: readonly [own: DatafileJson, others: DatafileJson],
  dir: string,
  { rounds, seconds }: ServingOptions,
): Promise<ServingReport['swapping']> {
  const question = ONE_FLAG.question(LOCAL_SDK_KEY);
  const results: readonly [LoadResult[], LoadResult[]] = [[], []];
  const current = [...datafiles];
  let swaps = 0;
  for (let round = 0; round < rounds; round++) {
    for (const which of [0, 1] as const) {
      const loading = load(agent.base, question, agent.pid, seconds, dir);
      for (let left = seconds; left > 0; left--) {
        const next = flipFlag(current[which] as DatafileJson, 'flag_2');
        current[which] = next;
        await putDatafile(stack.addresses, next);
        const response = await sendWebhook(stack.addresses, next);
        if (response.status !== 204) throw new Error(`The webhook answered ${response.status}, not 204`);
        if (which === 0) swaps++;
        await sleep(SWAP_EVERY_MS);
      }
      results[which].push(await loading);
    }
  }
  return { own: medians(results[0]), others: medians(results[1]), swaps };
}

function medians(results: readonly LoadResult[]): LoadResult {
  const of = (field: keyof LoadResult) => median(results.map((result) => result[field]));
  return {
    requestsPerS: of('requestsPerS'),
    p50Ms: of('p50Ms'),
    p99Ms: of('p99Ms'),
    cpuUs: of('cpuUs'),
    failures: results.reduce((sum, { failures }) => sum + failures, 0),
  };
}

function goals(cases: readonly ServedCase[], { own, others }: ServingReport['swapping']): Goal[] {
  const rates = CASES.flatMap(({ name, goal }, i): Goal[] => {
    const served = cases[i];
    if (goal === null || served === undefined) return [];
    const value = served.agent.requestsPerS / served.originalPerS;
    return [
      {
        name,
        value,
        limit: goal,
        unit: '×',
        because: 'the original, by its recorded share of an echo',
        atLeast: true,
      },
    ];
  });
  const failures = [...cases.map(({ agent }) => agent), own, others].reduce(
    (sum, it) => sum + it.failures,
    0,
  );
  return [
    ...rates,
    {
      name: 'p99 with a swap a second',
      value: own.p99Ms / others.p99Ms,
      limit: SWAP_P99_RATIO_MAX,
      unit: '×',
      because: 'with changes of another key',
    },
    { name: 'failed requests', value: failures, limit: 0, unit: '' },
  ];
}
