// One line for each fault, and whether it is red; as text, and as the page that is kept. Pure.

import { table } from '../../../infra/local/cli.ts';
import type { Rule } from './rules.ts';

export interface Score {
  readonly fault: string;
  /** Decisions that agents were asked for. */
  readonly asked: number;
  /** Of those, failed at an agent that the scenario had not killed. */
  readonly failed: number;
  /** Failed at an agent while it was dead. */
  readonly refusedWhileDead: number;
  /** From a webhook sent to its datafile, or a later one, served; the longest of any change and agent. */
  readonly stalenessMsMax: number;
  readonly staleRule?: Rule | undefined;
  /** From the end of the fault until all served the newest datafile; null when that never came. */
  readonly convergedMs: number | null;
  readonly rule: Rule;
  /** Agents that answered with a lower seq than before, each with what was seen. */
  readonly wentBack: readonly string[];
  readonly changes: number;
  /** Why a change counts as lost; empty when none was. */
  readonly lost: readonly string[];
  /** False when the fault had no effect. */
  readonly isFelt: boolean;
  /** What else there is to know: first failures, how many subscribers. */
  readonly notes: readonly string[];
}

export interface Skipped {
  readonly fault: string;
  readonly skipped: string;
}

export type Line = Score | Skipped;

export const isScore = (line: Line): line is Score => !('skipped' in line);

/** What makes a line red; empty for a good one. */
export function redsOf(score: Score): string[] {
  const { failed, convergedMs, rule, staleRule, stalenessMsMax, wentBack, lost, asked } = score;
  return [
    ...(score.isFelt ? [] : ['the fault had no effect']),
    ...(asked === 0 ? ['no decision was asked'] : []),
    ...(failed > 0 ? [`${failed} decisions failed`] : []),
    ...(convergedMs === null ? ['not converged'] : []),
    ...(convergedMs !== null && convergedMs > rule.msMax
      ? [`converged after ${convergedMs} ms, the rule is ${rule.msMax} ms`]
      : []),
    ...(staleRule !== undefined && stalenessMsMax > staleRule.msMax
      ? [`behind for ${stalenessMsMax} ms, the rule is ${staleRule.msMax} ms`]
      : []),
    ...wentBack.map((what) => `went back: ${what}`),
    ...lost.map((what) => `lost: ${what}`),
  ];
}

const HEADS = [
  'fault',
  'asked',
  'failed',
  'refused while dead',
  'longest staleness',
  'convergence (rule)',
  'went back',
  'changes lost',
  '',
];

function cellsOf(line: Line): string[] {
  if (!isScore(line)) return [line.fault, '–', '–', '–', '–', '–', '–', '–', `skipped: ${line.skipped}`];
  const { rule, convergedMs } = line;
  return [
    line.fault,
    String(line.asked),
    String(line.failed),
    String(line.refusedWhileDead),
    `${line.stalenessMsMax} ms${line.staleRule === undefined ? '' : ` (${line.staleRule.name} ${line.staleRule.msMax} ms)`}`,
    `${convergedMs === null ? 'never' : `${convergedMs} ms`} (${rule.name} ${rule.msMax} ms)`,
    String(line.wentBack.length),
    `${line.lost.length} of ${line.changes}`,
    redsOf(line).length > 0 ? 'RED' : 'ok',
  ];
}

export const scoreText = (lines: readonly Line[]): string => table([HEADS, ...lines.map(cellsOf)]);

/** The page: the table with what made a line red, and the notes, below it. */
export function scorePage(lines: readonly Line[], command: string, machine: string): string {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const scores = lines.filter(isScore);
  const remarks = scores.flatMap((score) =>
    [...redsOf(score).map((red) => `**${red}**`), ...score.notes].map((text) => `- ${score.fault}: ${text}`),
  );
  const red = scores.filter((score) => redsOf(score).length > 0).length;
  return [
    '# Chaos scoreboard',
    '',
    `Written by \`${command}\` on ${machine}: ${scores.length} faults, ${red} red, ${lines.length - scores.length} skipped.`,
    'Decisions are asked of every agent without a pause, a change is made every 300 ms; staleness is the longest time from',
    'sending a webhook to the last agent serving it or a later one, the fault included; convergence counts from the end of the',
    'fault, and changes pause until it is reached. Reconcile runs every 5 s here, once a minute where it is deployed.',
    '',
    row(HEADS),
    row(HEADS.map(() => '---')),
    ...lines.map((line) => row(cellsOf(line))),
    '',
    ...(remarks.length === 0 ? [] : [...remarks, '']),
  ].join('\n');
}
