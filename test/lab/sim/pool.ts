// Many seeds over several processes. A process that dies, or never ends a seed, is a failure of that seed. Knows nothing of
// what a seed is about.

import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Order, Told } from './seed-worker.ts';
import type { RunResult } from './simulate.ts';

/** On top of what its changes may take. */
const SEED_LIMIT_MS = 30_000;
const SEED_LIMIT_PER_CHANGE_MS = 200;

export interface PoolOptions {
  /** Folder of the simulation that is run: this one, or a changed copy. */
  readonly folder: string;
  readonly firstSeed: number;
  readonly seeds: number;
  readonly changes: number;
  readonly jobs: number;
  /** After this many failures no further seed is started. */
  readonly failuresMax: number;
  readonly onResult?: (result: RunResult) => void;
  /** Called with the number of finished changes of seeds that are still under way. */
  readonly onChanges?: (count: number) => void;
}

/** Every result that came, failures among them, in order of seeds. */
export async function runSeeds(options: PoolOptions): Promise<RunResult[]> {
  const results: RunResult[] = [];
  let next = options.firstSeed;
  let failures = 0;
  const take = (): number | null => {
    const isEnough = failures >= options.failuresMax || next >= options.firstSeed + options.seeds;
    return isEnough ? null : next++;
  };
  const done = (result: RunResult) => {
    results.push(result);
    if (result.violation !== null) failures++;
    options.onResult?.(result);
  };
  const jobs = Math.min(options.jobs, options.seeds);
  await Promise.all(Array.from({ length: jobs }, () => work(options, take, done)));
  return results.sort((a, b) => a.seed - b.seed);
}

async function work(
  { folder, changes, onChanges }: PoolOptions,
  take: () => number | null,
  done: (result: RunResult) => void,
): Promise<void> {
  let child: ChildProcess | null = null;
  for (let seed = take(); seed !== null; seed = take()) {
    child ??= fork(join(folder, 'seed-worker.ts'), { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    const result = await ask(child, { seed, changes }, onChanges);
    if (result.died) child = null;
    done(result.run);
  }
  child?.kill();
}

function ask(
  child: ChildProcess,
  order: Order,
  onChanges?: (count: number) => void,
): Promise<{ run: RunResult; died: boolean }> {
  return new Promise((resolve) => {
    let stderr = '';
    const onStderr = (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(-2_000);
    };
    const end = (run: RunResult, died: boolean) => {
      clearTimeout(limit);
      child.stderr?.off('data', onStderr);
      child.off('exit', onExit);
      child.off('message', onMessage);
      resolve({ run, died });
    };
    const onMessage = (message: unknown) => {
      const told = message as Told;
      if ('changes' in told) onChanges?.(told.changes);
      else end(told.result, false);
    };
    const onExit = () => end(broken(order, `the process ended: ${stderr.trim()}`), true);
    const limitMs = SEED_LIMIT_MS + order.changes * SEED_LIMIT_PER_CHANGE_MS;
    const limit = setTimeout(() => {
      child.off('exit', onExit);
      child.kill('SIGKILL');
      end(broken(order, `it did not end within ${limitMs} ms`), true);
    }, limitMs);
    child.stderr?.on('data', onStderr);
    child.on('exit', onExit);
    child.on('message', onMessage);
    child.send(order);
  });
}

const broken = ({ seed, changes }: Order, text: string): RunResult => ({
  ...{ seed, changes, violation: { text, sdkKey: '', atMs: 0 }, hash: '', steps: 0, checks: 0 },
  ...{ moves: 0, swaps: 0, virtualMs: 0, trace: [] },
});
