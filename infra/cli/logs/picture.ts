// A change as a picture in a terminal: one line per step, with a bar where its time went. Pure text; the painter
// that it is given adds the colours.

import type { Paint, Style } from '../output.ts';
import type { Step, Timeline, Tone } from './timeline.ts';

const BAR_COLUMNS_MIN = 10;
const BAR_COLUMNS_MAX = 48;
/** Left-aligned fractions of a cell, in eighths. */
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

const STYLE: Readonly<Record<Tone, Style>> = { good: 'green', warn: 'yellow', bad: 'red' };

/** @param columns width to stay within, as far as details allow */
export function pictureOf(timeline: Timeline, columns: number, paint: Paint): string {
  const { changeId, sdkKeys, revision, seq, startedAt, totalMs, steps, agents } = timeline;
  const one = sdkKeys.length === 1;
  const about = [
    revision === null ? '' : `revision ${revision}`,
    one && seq !== null ? `seq ${seq}` : '',
    sdkKeys.join(', '),
  ];
  const shown = steps.map((step) => cellsOf(step, one));
  const widths = [0, 1, 2, 3].map((i) => Math.max(...shown.map((cells) => (cells[i] ?? '').length)));
  const taken = widths.reduce((sum, width) => sum + width + 2, 0);
  const barColumns = Math.max(BAR_COLUMNS_MIN, Math.min(BAR_COLUMNS_MAX, columns - taken - DETAIL_COLUMNS));
  const lines = steps.map((step, i) => {
    const [at, took, label, by, detail] = shown[i] as Cells;
    const bar = barOf(step, totalMs, barColumns);
    return [
      at.padStart(widths[0] ?? 0),
      paint('dim', took.padStart(widths[1] ?? 0)),
      paint(STYLE[step.tone], label.padEnd(widths[2] ?? 0)),
      by.padEnd(widths[3] ?? 0),
      paint(STYLE[step.tone], bar),
      detail,
    ]
      .join('  ')
      .trimEnd();
  });
  return [
    `${paint('bold', `change ${changeId}`)}  ${about.filter((part) => part !== '').join('  ')}`,
    `${startedAt}  ${duration(totalMs)} from the first line to the last${agents === null ? '; no agent is heard of in these logs' : ''}`,
    '',
    ...lines,
  ].join('\n');
}

/** What is left for details before the bars become shorter. */
const DETAIL_COLUMNS = 24;

type Cells = readonly [at: string, took: string, label: string, by: string, detail: string];

function cellsOf({ fromMs, toMs, label, by, detail, sdkKey }: Step, one: boolean): Cells {
  const about = one || sdkKey === '' ? detail : `${sdkKey} ${detail}`;
  return [`+${duration(toMs)}`, duration(toMs - fromMs), label, by, about.trim()];
}

/** A bar within `columns` cells, from where the step before ended; a step that took no time is a mark. */
export function barOf(
  { fromMs, toMs }: Pick<Step, 'fromMs' | 'toMs'>,
  totalMs: number,
  columns: number,
): string {
  const scale = totalMs === 0 ? 0 : columns / totalMs;
  const start = Math.min(columns - 1, Math.floor(fromMs * scale));
  const cells = Math.min(columns - start, (toMs - fromMs) * scale);
  const full = Math.floor(cells);
  const bar = '█'.repeat(full) + (EIGHTHS[Math.floor((cells - full) * 8)] ?? '');
  return `${' '.repeat(start)}${bar === '' ? '▏' : bar}`.padEnd(columns);
}

/** `412 ms`, `1.9 s`, `3 min 5 s`, `2 h 1 min`, `24 h`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes >= 60) return parts(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  return parts(minutes, 'min', Math.floor((ms % 60_000) / 1_000), 's');
}

const parts = (large: number, largeUnit: string, small: number, smallUnit: string): string =>
  small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
