// The measured figures as tables: all of them for the page about performance, the first ones for the README. They stand in
// docs/figures.json and nowhere else, each with the command that measures it.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT_DIR } from '../local/root.ts';
import { code, markdownTable } from './markdown.ts';
import type { Writers } from './pages.ts';

export interface Figures {
  /** The day, as 2026-11-25. */
  readonly measured: string;
  readonly machine: string;
  readonly groups: readonly FigureGroup[];
}

interface FigureGroup {
  readonly title: string;
  /** The conditions of the measurement. */
  readonly about: string;
  /** What measures all of the group. */
  readonly command: string;
  readonly rows: readonly Figure[];
}

interface Figure {
  readonly what: string;
  readonly value: string;
  /** What to compare it with; empty where there is nothing. */
  readonly beside: string;
  readonly readme?: boolean;
}

export const readFigures = (): Figures =>
  JSON.parse(readFileSync(join(ROOT_DIR, 'docs/figures.json'), 'utf8')) as Figures;

export const figureParts: Writers = {
  'figures-readme': () => {
    const rows = readFigures().groups.flatMap(({ command, rows }) =>
      rows
        .filter(({ readme }) => readme)
        .map(({ what, value, beside }) => [what, value, beside, code(command)]),
    );
    return markdownTable(['measured', '', 'beside it', 'measure it'], rows);
  },
  figures: () => {
    const { measured, machine, groups } = readFigures();
    const tables = groups.map(({ title, about, command, rows }) => {
      const table = markdownTable(
        ['measured', '', 'beside it'],
        rows.map(({ what, value, beside }) => [what, value, beside]),
      );
      return `### ${title}\n\n${code(command)}: ${about}\n\n${table}`;
    });
    return [`Measured on ${measured}: ${machine}.`, ...tables].join('\n\n');
  },
};
