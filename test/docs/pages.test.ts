// The documents as a whole: the README is short, the index leads to every page, decisions have their form, pictures bring all
// they need, and sentences name their subject.

import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, it } from 'vitest';
import { allPages } from '../../infra/docs/pages.ts';
import { anchorsIn, linksIn, ROOT, readPage, rowsIn } from './markdown.ts';

const README_LINES_MAX = 120;

it(`the README has at most ${README_LINES_MAX} lines`, () => {
  expect(readPage('README.md').split('\n').length - 1).toBeLessThanOrEqual(README_LINES_MAX);
});

it('the index of the documents leads to every page', () => {
  const linked = linksIn(readPage('docs/README.md')).map((link) => normalize(join('docs', link)));
  const isOnePage = (path: string) => !/^docs\/decisions\/\d/.test(path) && path !== 'docs/README.md';
  const expected = allPages().filter((path) => path !== 'README.md' && isOnePage(path));
  expect(expected.filter((path) => !linked.includes(path))).toEqual([]);
});

const records = readdirSync(join(ROOT, 'docs/decisions')).filter((name) => /^\d/.test(name));

it('decisions are numbered without a gap, and the list has each with its date', () => {
  expect(records.length).toBeGreaterThan(30);
  const listed = rowsIn(readPage('docs/decisions/README.md')).slice(1);
  expect(listed).toHaveLength(records.length);
  for (const [i, name] of records.entries()) {
    const number = String(i + 1).padStart(4, '0');
    expect(name.slice(0, 4)).toBe(number);
    const record = readPage(join('docs/decisions', name));
    const [, title = ''] = new RegExp(`^# ${number}: (.+)$`, 'm').exec(record) ?? [];
    const [, date = ''] = /^- \*\*Date:\*\* (\d{4}-\d\d-\d\d)$/m.exec(record) ?? [];
    expect(listed[i]).toEqual([`[${number}](${name})`, title, date]);
  }
});

it.each(records)('decision %s says the problem, the decision and what was refused', (name) => {
  const record = readPage(join('docs/decisions', name));
  expect(anchorsIn(record)).toEqual(expect.arrayContaining(['the-problem', 'the-decision', 'refused']));
  expect(record).toMatch(/^- \*\*Status:\*\* (accepted|replaced by \[\d{4}\]\(\S+\))$/m);
  expect(record.split('## Refused')[1]).toMatch(/^- \*\*.+:\*\* \S/m);
});

const PICTURE = /!\[([^\]]*)\]\(([^)\s]+)\)/g;

it('every picture is there, is described in words, and brings all that it needs', () => {
  const pictures = allPages().flatMap((path) =>
    [...readPage(path).matchAll(PICTURE)].map(([, words = '', target = '']) => ({
      words,
      path: normalize(join(dirname(path), target)),
    })),
  );
  expect(pictures.length).toBeGreaterThan(2);
  for (const { words, path } of pictures) {
    expect(words.length, path).toBeGreaterThan(40);
    expect(existsSync(join(ROOT, path)), path).toBe(true);
    const svg = readPage(path).replace('xmlns="http://www.w3.org/2000/svg"', '');
    expect(svg, path).not.toMatch(/https?:|xlink|@import|<script|<image/);
  }
});

it.each(allPages())('%s names its subjects', (path) => {
  const text = readPage(path).replaceAll(/`[^`\n]*`/g, '');
  const found = [...text.matchAll(/\b(nobody|somebody|whoever|everybody|anybody|someone)\b/gi)];
  expect(found.map(([word]) => word)).toEqual([]);
});
