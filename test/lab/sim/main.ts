// `npm run sim`: runs seeds of the simulation, prints how the first failing one came to fail and how to see it again, and
// checks by mutations that breaking a rule is noticed. Exit code 1 when an invariant was violated, or a mutation was not.

import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { progress, tellFailure, UsageError } from '../../../infra/local/cli.ts';
import { formatLine, type TraceLine } from './checks/trace.ts';
import { checkMutations } from './mutations/mutate.ts';
import { type PoolOptions, runSeeds } from './pool.ts';
import { type RunResult, simulate } from './simulate.ts';
import { WORLD_START_MS } from './world.ts';

const USAGE = `npm run sim -- [--seed N] [--seeds K] [--changes N] [--jobs N] [--trace] [--json]
npm run sim -- --seeds 50 --changes 20000
              a million changes in long histories, on all cores; how far it is every ten seconds
npm run sim -- --mutations [--only WORD] [--seed N] [--seeds K] [--changes N] [--jobs N] [--json]

--seed N      the first seed (1); a seed replays exactly
--seeds K     how many seeds (1; with --mutations at most so many for each, 300)
--changes N   datafile changes of each run (30)
--jobs N      processes that share the seeds (one a core)
--trace       every step of a single seed on standard output
--mutations   breaks each rule in a copy, in turn, and asks that the simulation fails
--only WORD   only mutations whose rule has this word
--json        one line of JSON on standard output
--help        this text`;

const NUMBER_MAX = 2 ** 31;
const PROGRESS_INTERVAL_MS = 10_000;
const CHANGES = '30';
const MUTATION_SEEDS = '300';

async function main(args: readonly string[]): Promise<boolean> {
  const { values } = parse(args);
  if (values.help) {
    console.log(USAGE);
    return true;
  }
  const firstSeed = numberOf('--seed', values.seed);
  const seeds = numberOf('--seeds', values.seeds ?? (values.mutations ? MUTATION_SEEDS : '1'));
  const changes = numberOf('--changes', values.changes);
  const jobs = numberOf('--jobs', values.jobs);
  const plan = { firstSeed, seeds, changes, jobs };
  const startedAtMs = Date.now();
  if (values.mutations) return checkMutations({ ...plan, only: values.only, json: values.json });
  if (values.trace) {
    if (seeds > 1) throw new UsageError('--trace shows the steps of a single seed');
    const onLine = (line: TraceLine) => console.log(formatLine(line, WORLD_START_MS));
    return report([await simulate({ seed: firstSeed, changes, onLine })], values.json, startedAtMs);
  }
  const results = await runTelling(plan);
  return report(results, values.json, startedAtMs);
}

/** Says now and then how far it is. */
async function runTelling(plan: Omit<PoolOptions, 'folder' | 'failuresMax'>): Promise<RunResult[]> {
  const startedAtMs = Date.now();
  const wanted = plan.seeds * plan.changes;
  let seedsDone = 0;
  let changesDone = 0;
  const tell = () => {
    const leftS = (((Date.now() - startedAtMs) / changesDone) * (wanted - changesDone)) / 1_000;
    const left = changesDone === 0 ? 'no estimate yet' : `${Math.round(leftS)} s to go`;
    progress(`${seedsDone} of ${plan.seeds} seeds, ${changesDone} of ${wanted} changes, ${left}`);
  };
  const timer = setInterval(tell, PROGRESS_INTERVAL_MS);
  try {
    return await runSeeds({
      ...{ ...plan, folder: import.meta.dirname, failuresMax: 1 },
      onResult: () => {
        seedsDone++;
        // Changes are told by the hundred.
        changesDone = Math.max(changesDone, seedsDone * plan.changes);
      },
      onChanges: (count) => {
        changesDone += count;
      },
    });
  } finally {
    clearInterval(timer);
  }
}

function report(results: readonly RunResult[], json: boolean, startedAtMs: number): boolean {
  const failed = results.find(({ violation }) => violation !== null);
  const sum = (of: (result: RunResult) => number) => results.reduce((total, one) => total + of(one), 0);
  const summary = {
    ...{ seeds: results.length, failed: failed?.seed ?? null, elapsedMs: Date.now() - startedAtMs },
    ...{ changes: sum((r) => r.changes), moves: sum((r) => r.moves), swaps: sum((r) => r.swaps) },
    ...{ checks: sum((r) => r.checks), virtualHours: Math.round(sum((r) => r.virtualMs) / 360_000) / 10 },
    ...(results.length === 1 && { hash: results[0]?.hash }),
  };
  if (failed !== undefined) tell(failed);
  if (json) console.log(JSON.stringify({ ...summary, violation: failed?.violation ?? null }));
  else
    console.log(
      `${summary.seeds} seeds, ${summary.changes} changes, ${summary.moves} versions, ${summary.swaps} swaps, ${summary.checks} checks over ${summary.virtualHours} simulated hours: ${failed === undefined ? 'every invariant held' : `seed ${failed.seed} failed`}`,
    );
  return failed === undefined;
}

/** On standard error: standard output is for results. */
function tell({ seed, changes, violation, trace }: RunResult): void {
  progress(`\nseed ${seed} violates: ${violation?.text}`);
  progress(`again: npm run sim -- --seed ${seed} --changes ${changes}   (all of it: --trace)\n`);
  for (const line of trace) progress(line);
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        seed: { type: 'string', default: '1' },
        seeds: { type: 'string' },
        changes: { type: 'string', default: CHANGES },
        jobs: { type: 'string', default: String(availableParallelism()) },
        mutations: { type: 'boolean', default: false },
        only: { type: 'string', default: '' },
        trace: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function numberOf(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1 || value > NUMBER_MAX)
    throw new UsageError(`${option} must be a whole number from 1 to ${NUMBER_MAX}, not ${text}`);
  return value;
}

main(process.argv.slice(2)).then(
  (ok) => {
    process.exitCode = ok ? 0 : 1;
  },
  (error: unknown) => {
    process.exitCode = tellFailure('sim', error);
  },
);
