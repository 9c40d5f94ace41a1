// The picture of a terminal is one well-formed file, for any output.

import { expect, it } from 'vitest';
import { terminalPicture } from '../../../infra/docs/terminal-picture.ts';

const picture = terminalPicture('npm run demo', '\n1. A flag is flipped\n   agent 0  684 ms  on\n\n<&">\n');
const linesOf = (svg: string): string[] =>
  [...svg.matchAll(/<text [^>]*>(.*)<\/text>/g)].map(([, text = '']) =>
    text.replaceAll(/<[^>]*>/g, '').replaceAll('\u00a0', ' '),
  );

it('a picture of a terminal shows the command and each line that was printed', () => {
  expect(linesOf(picture)).toEqual([
    '$ npm run demo',
    '',
    '1. A flag is flipped',
    '   agent 0  684 ms  on',
    '',
    '&lt;&amp;&quot;&gt;',
  ]);
});

it('a picture of a terminal is as wide and high as its text needs', () => {
  const sizeOf = (svg: string) =>
    /width="(\d+)" height="(\d+)"/.exec(svg)?.slice(1).map(Number) as [number, number];
  const [width, height] = sizeOf(picture);
  const [wider, higher] = sizeOf(terminalPicture('x', `${'m'.repeat(200)}\n${'line\n'.repeat(50)}`));
  expect(wider).toBeGreaterThan(width);
  expect(higher).toBeGreaterThan(height);
});

it('a picture of a terminal needs nothing from elsewhere', () => {
  expect(picture.replace('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(
    /http|href|url\(|@import|<script/,
  );
});
