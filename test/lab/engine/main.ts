// `npm run engine`: compares the engine with the Optimizely SDK over generated projects and users, tells how far it is, and prints the
// smallest case that it finds for a difference. Exit code 1 where there is one.

import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { progress, tellFailure, UsageError } from '../../../infra/local/cli.ts';
import { compareAll, emptyTally, type Tally } from './compare.ts';
import { project, user } from './projects.ts';

const USAGE = `npm run engine -- [--decisions N] [--seed N] [--json]
npm run engine -- --decisions 1000000
              some minutes on one core; how far it is every ten seconds

--decisions N how many decisions of the engine are compared with the SDK's, at least (20000)
--seed N      the first seed (1); a seed makes the same projects and users again
--json        one line of JSON on standard output
--help        this text`;

const NUMBER_MAX = 2 ** 31;
const PROGRESS_INTERVAL_MS = 10_000;
const PROJECTS_PER_SEED = 100;
const USERS = { minLength: 30, maxLength: 50 };

function main(args: readonly string[]): boolean {
  const { values } = parse(args);
  if (values.help) {
    console.log(USAGE);
    return true;
  }
  const wanted = numberOf('--decisions', values.decisions);
  const firstSeed = numberOf('--seed', values.seed);
  const tally = emptyTally();
  const startedAtMs = Date.now();
  let toldAtMs = startedAtMs;
  let failure: string | null = null;
  let seed = firstSeed;
  for (; tally.compared < wanted && failure === null; seed++) {
    failure = compareSeed(seed, tally);
    const nowMs = Date.now();
    if (nowMs - toldAtMs < PROGRESS_INTERVAL_MS) continue;
    toldAtMs = nowMs;
    const leftS = ((nowMs - startedAtMs) / tally.compared) * (wanted - tally.compared);
    progress(`${tally.compared} of ${wanted} decisions, ${Math.round(leftS / 1_000)} s to go`);
  }
  if (failure !== null) {
    progress(`\nseed ${seed - 1}: ${failure}`);
    progress(`again: npm run engine -- --seed ${seed - 1}`);
  }
  report(tally, failure, Date.now() - startedAtMs, values.json);
  return failure === null;
}

/** What differs first, in the smallest case that shows it; null where nothing does. */
function compareSeed(seed: number, tally: Tally): string | null {
  const property = fc.property(project, fc.array(user, USERS), (datafile, users) => {
    compareAll(datafile, users, tally);
  });
  const run = fc.check(property, { seed, numRuns: PROJECTS_PER_SEED });
  if (!run.failed) return null;
  const [datafile] = run.counterexample ?? [''];
  const what = run.errorInstance instanceof Error ? run.errorInstance.message : String(run.errorInstance);
  return `${what}\ndatafile: ${datafile}`;
}

function report(tally: Tally, failure: string | null, elapsedMs: number, json: boolean): void {
  const { compared } = tally;
  const refused = Object.fromEntries(tally.refused);
  const reached = Object.fromEntries(tally.reached);
  if (json) {
    console.log(JSON.stringify({ compared, refused, reached, elapsedMs, failure }));
    return;
  }
  const list = (counts: object) =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ');
  console.log(
    `${compared} decisions compared: ${failure === null ? 'no difference' : 'they differ'}\nby what decided: ${list(reached)}\nleft to the SDK: ${list(refused)}`,
  );
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        decisions: { type: 'string', default: '20000' },
        seed: { type: 'string', default: '1' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function numberOf(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > NUMBER_MAX)
    throw new UsageError(`${option} needs a whole number of at least 1, not "${text}"`);
  return value;
}

try {
  process.exitCode = main(process.argv.slice(2)) ? 0 : 1;
} catch (error) {
  process.exitCode = tellFailure('engine', error);
}
