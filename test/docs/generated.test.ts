// What programs know better than people is in the documents as the programs say it now; what is still written by hand names
// the same things as the code.

import { expect, it } from 'vitest';
import { SETTINGS } from '../../agent/config/settings.ts';
import { FUNCTION_SETTINGS } from '../../functions/settings/list.ts';
import { readFigures } from '../../infra/docs/figures.ts';
import { allPages, partsOf, readPage, writtenAnew } from '../../infra/docs/pages.ts';
import { WRITERS } from '../../infra/docs/writers.ts';
import { sourceText } from '../support/source-text.ts';
import { codeIn, rowsIn } from './markdown.ts';

const pages = allPages().map((path) => ({ path, text: readPage(path) }));

it.each(pages.filter(({ text }) => partsOf(text).length > 0))(
  'the generated parts of $path are up to date (npm run docs -- --write)',
  async ({ text }) => {
    expect(text).toBe(await writtenAnew(text, WRITERS));
  },
);

it('every generated part is in one page', () => {
  const parts = pages.flatMap(({ text }) => partsOf(text));
  expect(parts.sort()).toEqual(Object.keys(WRITERS).sort());
});

const configuration = readPage('docs/configuration.md');
const [, ofFunctions = ''] = configuration.split('\n## Functions and receiver\n');

it('the page about configuration has every setting of the agent in one row', () => {
  const rows = rowsIn(configuration.split('\n## Functions and receiver\n')[0] ?? '');
  for (const { variable, path } of SETTINGS) {
    const named = rows.filter(([first]) => first === `\`${variable}\``);
    expect(named, variable).toHaveLength(1);
    expect(named[0]?.[1]).toBe(`\`${path}\``);
  }
});

it('the page about configuration has every setting of the functions and the receiver, and no other', () => {
  const told = rowsIn(ofFunctions).flatMap(([names = '']) => codeIn(names));
  expect(told.filter((name) => name.startsWith('FANOUT_'))).toEqual(
    FUNCTION_SETTINGS.map(({ variable }) => variable),
  );
});

const scripts = (JSON.parse(readPage('package.json')) as { scripts: Record<string, string> }).scripts;

it('the first steps name every npm script', () => {
  const named = [...readPage('docs/first-steps.md').matchAll(/\bnpm run (?:-s )?([a-z]+)/g)].map(
    ([, name]) => name,
  );
  expect(Object.keys(scripts).filter((name) => name !== 'test' && !named.includes(name))).toEqual([]);
});

it('every figure names a command that measures it', () => {
  const { measured, groups } = readFigures();
  expect(measured).toMatch(/^\d{4}-\d\d-\d\d$/);
  const benches = sourceText('test/lab/bench');
  for (const { command, rows } of groups) {
    const [, script = '', bench] = /^npm run ([a-z]+)(?: -- ([a-z-]+))?$/.exec(command) ?? [];
    expect(scripts[script], command).toBeDefined();
    if (bench !== undefined) expect(benches).toContain(`npm run bench -- ${bench}`);
    expect(rows.length).toBeGreaterThan(0);
    for (const { what, value } of rows) expect(what && value, what).not.toBe('');
  }
});

it('the README says what the fan-out costs a month, as the page about costs does', () => {
  const costs = rowsIn(readPage('infra/COST.md'));
  const usd = (fleet: string) => {
    const column = costs.find((row) => row.includes(fleet))?.indexOf(fleet) ?? -1;
    const cell = costs.find(([name]) => name === '**the fan-out**')?.[column] ?? '';
    return Math.round(Number(cell.replaceAll(/[$,]/g, '')));
  };
  expect(readPage('README.md')).toContain(
    `about $${usd('10 agents')} a month for 10 agents, $${usd('1,000 agents')} for 1,000`,
  );
});

it('the figures about faults are those of the scoreboard', () => {
  const board = rowsIn(readPage('test/lab/chaos/SCOREBOARD.md')).slice(1);
  const sum = (column: number, pattern: RegExp) =>
    board.reduce((total, row) => total + Number(pattern.exec(row[column] ?? '')?.[1]), 0);
  const behind = (fault: string) =>
    Number.parseInt(board.find(([name]) => name === fault)?.[4] ?? '', 10) / 1_000;
  const of = (lost: number, all: number) => `${lost} of ${all.toLocaleString('en')}`;
  const chaos = readFigures().groups.find(({ command }) => command === 'npm run chaos');
  expect(chaos?.rows.map(({ value }) => value)).toEqual([
    of(sum(2, /^(\d+)$/), sum(1, /^(\d+)$/)),
    of(sum(7, /^(\d+) of/), sum(7, /of (\d+)$/)),
    `${behind('kill-nats').toFixed(1)} s`,
    `${behind('blackhole-both').toFixed(1)} s`,
  ]);
  expect(chaos?.about).toContain(`${board.length} faults`);
});
