// `npm run bench -- propagation | path | cold-start | serving | decisions | soak | burst`: measures on this machine, prints a table with the goals beside it, and
// `--json` for machines. A missed goal is reported, not a failure: figures depend on the machine, ratios less so.

import { parseArgs } from 'node:util';
import { build } from '../../../infra/build.ts';
import { progress, table, tellFailure, UsageError } from '../../../infra/local/cli.ts';
import { type BurstReport, burstTable, measureBurst } from './burst.ts';
import { type ColdStartReport, measureColdStart } from './cold-start.ts';
import { type DecisionsReport, measureDecisions } from './decisions.ts';
import { format, goalRow } from './goals.ts';
import { measurePath, type PathReport } from './path/path.ts';
import { pathTable } from './path/path-table.ts';
import { measurePropagation, type PropagationReport } from './propagation/propagation.ts';
import { measureServing, type ServingReport } from './serving/serving.ts';
import { measureSoak } from './soak/soak.ts';
import { type SoakReport, soakTable } from './soak/soak-report.ts';
import type { Summary } from './stats.ts';

const USAGE = `npm run bench -- propagation [--agents N] [--changes N] [--json]
npm run bench -- path [--changes N] [--json]
npm run bench -- cold-start [--runs N] [--json]
npm run bench -- serving [--rounds N] [--seconds N] [--json]
npm run bench -- decisions [--rounds N] [--json]
npm run bench -- soak [--minutes N] [--subscribers N] [--agents N] [--json]
npm run bench -- burst [--json]

propagation   from sending a signed webhook to a new decision, on N agents (10), N times (50); beside it a raw fan-out
path          the way of a change, request by request, with services as far away as the real ones, N times (50)
cold-start    first invocation of each Lambda bundle, start and idle memory of an agent, each N times (5)
serving       requests a second of one agent on one core, beside a bare HTTP server; N loads (3) of N seconds (5) each
decisions     what a decision costs without HTTP: plain, with holdouts, profiles and forced decisions; N rounds (3)
soak          N minutes (10) of a change a second to N subscribers (200) and N agents (3), under half of the decisions they can
              make: memory, failed decisions, lost changes, and whether the end is as fast as the start
burst         500 webhooks at once, of every kind: each answered by its rule, and the record right afterwards
--json        one line of JSON on standard output
--help        this text`;

const COUNT_MAX = 10_000;
const MIB = 1024 * 1024;

async function main(args: readonly string[]): Promise<void> {
  const { values, positionals } = parse(args);
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const [name, ...rest] = positionals;
  if (rest.length > 0) throw new UsageError(`Unknown argument: ${rest.join(' ')}`);
  const bench = BENCHES[name ?? ''];
  if (bench === undefined)
    throw new UsageError(name === undefined ? 'Which bench?' : `Unknown bench: ${name}`);
  await bench(values);
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        agents: { type: 'string' },
        changes: { type: 'string', default: '50' },
        runs: { type: 'string', default: '5' },
        rounds: { type: 'string', default: '3' },
        seconds: { type: 'string', default: '5' },
        minutes: { type: 'string', default: '10' },
        subscribers: { type: 'string', default: '200' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

type Values = ReturnType<typeof parse>['values'];

function count(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= COUNT_MAX) return value;
  throw new UsageError(`--${name} must be a whole number from 1 to ${COUNT_MAX}, not ${text}`);
}

async function runPropagation(values: Values): Promise<void> {
  const options = {
    agents: count('agents', values.agents ?? '10'),
    changes: count('changes', values.changes),
    progress,
  };
  await build();
  const report = await measurePropagation(options);
  print(values, report, propagationTable(report));
}

async function runPath(values: Values): Promise<void> {
  await build();
  const report = await measurePath({ changes: count('changes', values.changes), progress });
  print(values, report, pathTable(report));
}

async function runColdStart(values: Values): Promise<void> {
  const options = { runs: count('runs', values.runs), progress };
  await build();
  const report = await measureColdStart(options);
  print(values, report, coldStartTable(report));
}

async function runServing(values: Values): Promise<void> {
  const options = {
    rounds: count('rounds', values.rounds),
    seconds: count('seconds', values.seconds),
    progress,
  };
  await build();
  const report = await measureServing(options);
  print(values, report, servingTable(report));
}

async function runDecisions(values: Values): Promise<void> {
  const report = await measureDecisions({ rounds: count('rounds', values.rounds), progress });
  print(values, report, decisionsTable(report));
}

async function runSoak(values: Values): Promise<void> {
  const options = {
    minutes: count('minutes', values.minutes),
    subscribers: count('subscribers', values.subscribers),
    agents: count('agents', values.agents ?? '3'),
    progress,
  };
  await build();
  const report = await measureSoak(options);
  print(values, report, soakTable(report));
}

async function runBurst(values: Values): Promise<void> {
  await build();
  const report = await measureBurst({ progress });
  print(values, report, burstTable(report));
}

const BENCHES: Readonly<Record<string, (values: Values) => Promise<void>>> = {
  propagation: runPropagation,
  path: runPath,
  'cold-start': runColdStart,
  serving: runServing,
  decisions: runDecisions,
  soak: runSoak,
  burst: runBurst,
};

type Report =
  | PropagationReport
  | PathReport
  | ColdStartReport
  | ServingReport
  | DecisionsReport
  | SoakReport
  | BurstReport;

function print(values: Values, report: Report, text: string): void {
  const goals = table([['goal', 'measured', 'limit', ''], ...report.goals.map(goalRow)]);
  (values.json ? progress : console.log)(`\n${text}\n\n${goals}`);
  if (values.json) console.log(JSON.stringify(report));
}

function decisionsTable({ kinds }: DecisionsReport): string {
  return table([
    ['requests a second of processor time', 'one flag', 'all flags'],
    ...kinds.map(({ name, onePerS, allPerS }) => [name, format(onePerS), format(allPerS)]),
  ]);
}

function propagationTable(report: PropagationReport): string {
  const rawMs = report.rawLastMs.p50;
  const row = (name: string, { p50, p99, max }: Summary) => [
    name,
    `${format(p50)} ms`,
    `${format(p99)} ms`,
    `${format(max)} ms`,
    `${format(p50 / rawMs)} ×`,
  ];
  const { agents, changes, datafileBytes, reachedPercent, fetchesPerChange, questionsPerSighting } = report;
  const facts = `${changes} changes, ${agents} agents, datafile of ${datafileBytes} bytes: reached ${format(reachedPercent)}%, ${format(fetchesPerChange)} CDN fetches per change, ${format(questionsPerSighting)} questions per sighting`;
  const rows = [
    ['', 'p50', 'p99', 'max', 'p50 ÷ raw'],
    row('webhook sent → decision seen, each agent', report.decisionMs),
    row('webhook sent → decision seen, last agent', report.lastAgentMs),
    row('webhook sent → webhook answered', report.answerMs),
    row('the first change after the start, each agent', report.firstMs),
    row('a change after a minute of silence, each agent', report.afterSilenceMs),
    row('raw fan-out of the same bytes, last subscriber', report.rawLastMs),
  ];
  return `${facts}\n\n${table(rows)}`;
}

function coldStartTable({ lambdas, agent, runs }: ColdStartReport): string {
  const ms = (value: number) => (Number.isNaN(value) ? '' : `${format(value)} ms`);
  const rows = lambdas.map((lambda) => [
    lambda.name,
    `${format(lambda.gzipBytes / 1000)} KB`,
    ms(lambda.importMs),
    ms(lambda.importCpuMs),
    ms(lambda.firstInvocationMs),
    ms(lambda.firstInvocationCpuMs),
    ms(lambda.warm.ms),
    ms(lambda.warm.cpuMs),
    `${format(lambda.rssBytes / MIB)} MB`,
  ]);
  const head = ['bundle', 'gzipped', 'import', 'CPU', 'first invocation', 'CPU', 'warm', 'CPU', 'resident'];
  const { p50, max } = agent.firstDecisionMs;
  const started = `agent, from the disk cache: first decision after ${format(p50)} ms (slowest ${format(max)} ms), ${format(agent.idleRssBytes / MIB)} MB resident when idle`;
  return `medians of ${runs} fresh processes\n\n${table([head, ...rows])}\n\n${started}`;
}

function servingTable({ cases, swapping, rounds, seconds }: ServingReport): string {
  const rate = (perS: number) => perS.toFixed(0);
  const rows = cases.map(({ name, bytes, agent, echo, recordedPerS, originalPerS }) => [
    name,
    String(bytes),
    rate(agent.requestsPerS),
    `${format(agent.p50Ms)} ms`,
    `${format(agent.p99Ms)} ms`,
    `${format(agent.cpuUs)} µs`,
    rate(echo.requestsPerS),
    `${format(echo.p99Ms)} ms`,
    `${format(echo.cpuUs)} µs`,
    `${format(agent.requestsPerS / echo.requestsPerS)} ×`,
    rate(recordedPerS),
    `${format(agent.requestsPerS / originalPerS)} ×`,
  ]);
  const head = [
    ...['', 'bytes', 'req/s', 'p50', 'p99', 'CPU', 'echo req/s', 'p99', 'CPU', '÷ echo'],
    ...['original*', '÷ original*'],
  ];
  const { own, others, swaps } = swapping;
  const facts = `medians of ${rounds} loads of ${seconds} s: 32 connections, one core for the server, one for wrk and all else`;
  const swapped = `${swaps} datafiles swapped in, one a second: ${rate(own.requestsPerS)} decisions/s, p99 ${format(own.p99Ms)} ms; the same changes to another key: ${rate(others.requestsPerS)}/s, p99 ${format(others.p99Ms)} ms`;
  const note =
    '* Optimizely Agent 4 as recorded on another machine, where an echo made 2.7 times its decisions of one flag; compared by this echo';
  return `${facts}\n\n${table([head, ...rows])}\n\n${swapped}\n${note}`;
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = tellFailure('bench', error);
}
