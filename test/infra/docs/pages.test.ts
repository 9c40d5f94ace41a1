// Generated parts of pages are found and written anew, and nothing around them is touched.

import { expect, it } from 'vitest';
import { partsOf, writtenAnew } from '../../../infra/docs/pages.ts';

const page = (text: string) =>
  `# x\n\n<!-- generated: a-table -->\n${text}<!-- end of generated part -->\n\nafter $1\n`;

it('a generated part is written between its comments, and the rest of the page stays', async () => {
  expect(partsOf(page(''))).toEqual(['a-table']);
  const written = page('\n| $& | `$1` |\n\n');
  expect(await writtenAnew(page(''), { 'a-table': () => '| $& | `$1` |' })).toBe(written);
  expect(await writtenAnew(page('\nold\n\n'), { 'a-table': async () => '| $& | `$1` |' })).toBe(written);
});

it('a generated part without a writer is an error that names it', async () => {
  await expect(writtenAnew(page(''), {})).rejects.toThrow('a-table');
});

it('a page without generated parts stays as it is', async () => {
  expect(await writtenAnew('# x\n\ntext\n', {})).toBe('# x\n\ntext\n');
});
