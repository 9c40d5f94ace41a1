// What a soak comes to: figures, goals and the table. No measuring here.

import { table } from '../../../../infra/local/cli.ts';
import { format, type Goal } from '../goals.ts';
import { type Summary, summarise } from '../stats.ts';
import type { Change, RefusedWebhook } from './soak-changes.ts';
import type { LoadFigures } from './soak-load.ts';
import type { ProcessMemory } from './soak-memory.ts';
import type { ReceiverFaults } from './soak-receivers.ts';

export interface SoakFigures {
  readonly minutes: number;
  readonly subscribers: number;
  readonly agents: number;
  /** When the measured time began, on the shared clock; changes before are warm-up. */
  readonly fromMs: number;
  readonly changes: readonly Change[];
  readonly refused: readonly RefusedWebhook[];
  readonly saturated: LoadFigures;
  readonly decisions: LoadFigures;
  readonly memory: readonly ProcessMemory[];
  readonly faults: ReceiverFaults;
  readonly ended: readonly string[];
}

export interface SoakReport extends Omit<SoakFigures, 'changes' | 'fromMs'> {
  readonly changeCount: number;
  /** Webhook sent → there, each subscriber and agent, ms. */
  readonly firstMs: Summary;
  readonly lastMs: Summary;
  /** The same at the agents alone, where there means deciding. */
  readonly agentsFirstMs: Summary;
  readonly agentsLastMs: Summary;
  readonly reachedPercent: number;
  readonly lost: number;
  readonly goals: readonly Goal[];
}

const MS_PER_MINUTE = 60_000;
const P99_RATIO_MAX = 1.5;
/** 10 KB lost at each change would be that much; a datafile's worth would be 25 times as much. */
const SLOPE_MAX_MB_PER_H = 36;
/** A slope within so many of its standard errors is noise of the collector, not a leak. */
const ERRORS_OFF = 2;
/** What keeps every body that it was ever given, in memory, on purpose: no part of the product. */
const STAND_INS: readonly string[] = ['s3', 'sns', 'cdn'];

export function soakReport(figures: SoakFigures): SoakReport {
  const { changes, fromMs, ...rest } = figures;
  const windowMs = Math.min(MS_PER_MINUTE, (rest.minutes * MS_PER_MINUTE) / 2);
  const measured = changes.filter(({ sentAtMs }) => sentAtMs >= fromMs);
  const endMs = (measured.at(-1)?.sentAtMs ?? fromMs) + 1;
  const first = measured.filter(({ sentAtMs }) => sentAtMs < fromMs + windowMs);
  const last = measured.filter(({ sentAtMs }) => sentAtMs >= endMs - windowMs);
  const all = changes.flatMap(({ timesMs }) => timesMs);
  const reached = all.filter((ms) => ms !== null).length;
  const report = {
    ...rest,
    changeCount: changes.length,
    firstMs: summarise(timesOf(first)),
    lastMs: summarise(timesOf(last)),
    agentsFirstMs: summarise(timesOf(first, rest.subscribers)),
    agentsLastMs: summarise(timesOf(last, rest.subscribers)),
    reachedPercent: (100 * reached) / all.length,
    lost: changes.filter(({ timesMs }) => timesMs.includes(null)).length,
  };
  return { ...report, goals: goals(report) };
}

const timesOf = (changes: readonly Change[], fromReceiver = 0): number[] =>
  changes.flatMap(({ timesMs }) => timesMs.slice(fromReceiver).filter((ms) => ms !== null));

function goals(report: Omit<SoakReport, 'goals'>): Goal[] {
  const { decisions, saturated, faults, refused, ended, firstMs, lastMs, lost, reachedPercent } = report;
  const own = report.memory.filter(({ name }) => !STAND_INS.includes(name));
  const none = (name: string, value: number): Goal => ({ name, value, limit: 0, unit: '' });
  return [
    none('failed decisions', decisions.failed + saturated.failed),
    none('decisions that went back', decisions.back + saturated.back + faults.back),
    { name: 'reached', value: reachedPercent, limit: 100, unit: '%', atLeast: true },
    none('changes lost', lost),
    none('webhooks not answered 204', refused.length),
    none('messages that were not the announced body', faults.bad),
    none('processes that ended', ended.length),
    {
      name: 'p99 at the end',
      value: lastMs.p99 / firstMs.p99,
      limit: P99_RATIO_MAX,
      unit: '×',
      because: 'of the start',
    },
    ...own.map(({ name, mbPerH, errorMbPerH }) => ({
      name: `memory of ${name}, at least`,
      value: mbPerH - ERRORS_OFF * errorMbPerH,
      limit: SLOPE_MAX_MB_PER_H,
      unit: 'MB/h',
    })),
  ];
}

export function soakTable(report: SoakReport): string {
  const { minutes, agents, subscribers, changeCount, decisions, saturated } = report;
  const rate = (perS: number) => perS.toFixed(0);
  const facts = [
    `${minutes} min, ${changeCount} changes, ${agents} agents and ${subscribers} subscribers: reached ${format(report.reachedPercent)}%`,
    `${rate(saturated.perS)} decisions/s at most; ${decisions.answered} made at ${rate(decisions.perS)}/s: p50 ${format(decisions.p50Ms)} ms, p99 ${format(decisions.p99Ms)} ms, max ${format(decisions.maxMs)} ms, ${decisions.failed} failed`,
  ];
  if (report.faults.older > 0) facts.push(`${report.faults.older} messages came late and were ignored`);
  const why = decisions.firstFailure ?? saturated.firstFailure;
  if (why !== null) facts.push(`the first that failed: ${why}`);
  const row = (name: string, { p50, p99, max }: Summary) => [
    name,
    ...[p50, p99, max].map((ms) => `${format(ms)} ms`),
  ];
  const times = [
    ['', 'p50', 'p99', 'max'],
    row('webhook sent → there, first minute', report.firstMs),
    row('webhook sent → there, last minute', report.lastMs),
    row('webhook sent → deciding, agents, first minute', report.agentsFirstMs),
    row('webhook sent → deciding, agents, last minute', report.agentsLastMs),
  ];
  const memory = report.memory.map(({ name, firstMb, lastMb, mbPerH, errorMbPerH }) => [
    STAND_INS.includes(name) ? `${name} (stand-in)` : name,
    `${format(firstMb)} MB`,
    `${format(lastMb)} MB`,
    `${format(mbPerH)} ± ${format(errorMbPerH)} MB/h`,
  ]);
  const memoryTable = table([['memory', 'settled', 'at the end', 'slope'], ...memory]);
  return `${facts.join('\n')}\n\n${table(times)}\n\n${memoryTable}`;
}
