// From the log lines of one change to its steps in order: when each was done, how long after the one before, and what it
// came to. What thousands of agents say becomes one step. Pure; knows neither CloudWatch nor how it is drawn.

import type { Row } from './insights.ts';

export type Tone = 'good' | 'warn' | 'bad';

export interface Step {
  readonly event: string;
  readonly label: string;
  /** Since the change's first line. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Which function, or `agents`. */
  readonly by: string;
  /** Empty where the step is about the whole change. */
  readonly sdkKey: string;
  readonly detail: string;
  readonly tone: Tone;
}

export interface AgentsStep {
  readonly count: number;
  /** Received → served, as each agent measured it. */
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly slowestMs: number;
}

export interface Timeline {
  readonly changeId: string;
  readonly sdkKeys: readonly string[];
  readonly projectIds: readonly string[];
  readonly revision: number | null;
  readonly seq: number | null;
  /** ISO time of the first line. */
  readonly startedAt: string;
  readonly totalMs: number;
  readonly steps: readonly Step[];
  /** Null where no agent said that it took the change, or agents' logs are elsewhere. */
  readonly agents: AgentsStep | null;
}

interface Line {
  readonly row: Row;
  readonly atMs: number;
}

const TAKEN = 'candidate.accepted';

/** @param rows of one change, in any order. Null when there are none that tell a time. */
export function timelineOf(changeId: string, rows: readonly Row[]): Timeline | null {
  const lines = rows
    .map((row) => ({ row, atMs: timeOf(row['@timestamp'] ?? '') }))
    .filter(({ atMs, row }) => !Number.isNaN(atMs) && row.event !== undefined)
    .sort((a, b) => a.atMs - b.atMs);
  const first = lines[0];
  if (first === undefined) return null;
  const taken = lines.filter(isTakenLive);
  const steps = stepsOf(
    lines.filter(({ row }) => row.event !== TAKEN),
    first.atMs,
  );
  const agents = agentsOf(taken);
  if (agents !== null) steps.push(agentsStep(taken, agents, steps, first.atMs));
  // The bridge comes after most agents, and the sort keeps what happened in the same millisecond as it was.
  const all = steps.toSorted((a, b) => a.toMs - b.toMs);
  return {
    changeId,
    sdkKeys: distinct(lines, 'sdkKey'),
    projectIds: distinct(lines, 'projectId'),
    revision: lastNumber(lines, 'revision'),
    seq: lastNumber(lines, 'seq'),
    startedAt: new Date(first.atMs).toISOString(),
    totalMs: Math.max(0, ...all.map(({ toMs }) => toMs)),
    steps: all,
    agents,
  };
}

/** An agent that starts days later takes the change too, which says nothing about how it travelled. */
const isTakenLive = ({ row }: Line): boolean => row.event === TAKEN && row.arrival !== 'start';

function stepsOf(lines: readonly Line[], originMs: number): Step[] {
  let beforeMs = originMs;
  return lines.map(({ row, atMs }) => {
    const [label, tone, detail] = wordsFor(row);
    const step = {
      event: row.event ?? '',
      label,
      fromMs: beforeMs - originMs,
      toMs: atMs - originMs,
      by: row.service || 'agent',
      sdkKey: row.sdkKey ?? '',
      detail,
      tone,
    };
    beforeMs = atMs;
    return step;
  });
}

function agentsOf(taken: readonly Line[]): AgentsStep | null {
  const latenciesMs = taken
    .map(({ row }) => Number(row.latencyMs || Number.NaN))
    .filter((ms) => !Number.isNaN(ms))
    .sort((a, b) => a - b);
  if (latenciesMs.length === 0) return null;
  const at = (share: number) => latenciesMs[Math.ceil(latenciesMs.length * share) - 1] ?? 0;
  return { count: latenciesMs.length, medianMs: at(0.5), p99Ms: at(0.99), slowestMs: at(1) };
}

/** From the announcement to the last agent. */
function agentsStep(
  taken: readonly Line[],
  { count, medianMs, p99Ms, slowestMs }: AgentsStep,
  steps: readonly Step[],
  originMs: number,
): Step {
  const announced =
    steps.find(({ event }) => event === 'change.announced') ??
    steps.find(({ event }) => event === 'manifest.moved');
  const lastMs = Math.max(...taken.map(({ atMs }) => atMs)) - originMs;
  return {
    event: TAKEN,
    label: count === 1 ? '1 agent serves it' : `${count} agents serve it`,
    fromMs: Math.min(announced?.toMs ?? 0, lastMs),
    toMs: lastMs,
    by: 'agents',
    sdkKey: '',
    detail: `median ${Math.round(medianMs)} ms, p99 ${Math.round(p99Ms)} ms, slowest ${Math.round(slowestMs)} ms after the webhook`,
    tone: 'good',
  };
}

type Words = readonly [label: string, tone: Tone, detail: string];

/** The meaning of a line, in the words of the people who flip flags. */
function wordsFor(row: Row): Words {
  const { event = '', code = '', error = '', reason = '', result = '', remedy = '' } = row;
  const failure = [code, error, remedy].filter((part) => part !== '').join(' · ');
  switch (event) {
    case 'webhook.received':
      return ['webhook received', 'good', row.environment ?? ''];
    case 'datafile.fetched':
      return ['datafile fetched', 'good', row.via === undefined ? '' : `from ${row.via}`];
    case 'datafile.archived':
      return ['body in S3', 'good', row.outcome ?? ''];
    case 'manifest.moved':
      return ['manifest moved', 'good', row.seq === undefined ? '' : `seq ${row.seq}`];
    case 'manifest.kept':
      return ['manifest kept', 'warn', reason];
    case 'manifest.conflict':
      return ['another writer first', 'warn', row.attempt === undefined ? '' : `attempt ${row.attempt}`];
    case 'change.announced':
      return result === '' ? ['announced on the bus', 'good', ''] : ['bus had it already', 'good', result];
    case 'change.announce-failed':
      return ['announcement failed', 'bad', [row.path, failure].filter(Boolean).join(': ')];
    case 'refetch.queued':
      return ['refetch queued', 'warn', failure || reason];
    case 'reconcile.key':
      return ['reconcile looked', row.found === undefined ? 'good' : 'warn', row.found ?? ''];
    case 'webhook.answered':
      return ['webhook answered', Number(row.status) >= 500 ? 'bad' : 'good', row.status ?? ''];
    case 'webhook.rejected':
      return ['webhook rejected', 'bad', failure];
    case 'webhook.ignored':
      return ['webhook ignored', 'warn', reason];
    case 'datafile.rejected':
      return ['datafile rejected', 'bad', failure];
    case 'candidate.rejected':
      return ['agent rejected it', 'bad', failure];
    default:
      return [event, failure === '' ? 'good' : 'bad', failure || reason];
  }
}

/** Insights writes `2026-01-02 03:04:05.678`, in UTC. */
const timeOf = (text: string): number => Date.parse(`${text.replace(' ', 'T')}Z`);

const distinct = (lines: readonly Line[], field: string): string[] => [
  ...new Set(lines.map(({ row }) => row[field] ?? '').filter((value) => value !== '')),
];

function lastNumber(lines: readonly Line[], field: string): number | null {
  const value = lines.findLast(({ row }) => (row[field] ?? '') !== '')?.row[field];
  return value === undefined || Number.isNaN(Number(value)) ? null : Number(value);
}
