// Control characters that the commands never print, from any source.

import { styleText } from 'node:util';
import { expect, it } from 'vitest';
import { viewDatafile } from '../../../infra/cli/datafile-diff/model.ts';
import { createOutput } from '../../../infra/cli/output.ts';
import { printable, printableName } from '../../../infra/cli/printable.ts';
import { fakeShell } from './support/shell.ts';

const ESC = '\u001b';
/** Clears the screen, moves up, rings, and writes a line that looks like ours. */
const EVIL = `a${ESC}[2J${ESC}[1A\u0007\r\nok  everything\u009b31m\u202e`;

it('writes control characters of a name as JSON does, in one line', () => {
  expect(printableName(EVIL)).toBe(
    'a\\u001b[2J\\u001b[1A\\u0007\\u000d\\u000aok  everything\\u009b31m\\u202e',
  );
  expect(printableName('Ünïcode "ok" 你好 🎉')).toBe('Ünïcode "ok" 你好 🎉');
});

it('leaves lines and colours of our own as they are, and nothing else that a terminal obeys', () => {
  const painted = styleText('bold', 'head', { validateStream: false });
  expect(printable(`${painted}\nline`)).toBe(`${painted}\nline`);
  expect(printable(`${ESC}[2J${ESC}]0;title\u0007`)).toBe('\\u001b[2J\\u001b]0;title\\u0007');
});

it('holds for results, notes and errors of every command', () => {
  const shell = fakeShell({ isTerminal: true, env: { NO_COLOR: '1' } });
  const output = createOutput(shell, false);
  output.result({}, () => `name ${ESC}[2J`);
  output.note(`note ${ESC}]0;x\u0007`);
  output.error(new Error(`failed ${ESC}[1A`));
  expect(shell.written.out + shell.written.err).not.toContain(ESC);
});

it('control characters of a datafile are not printed, in any of its names', () => {
  const variation = { id: '1', key: EVIL, featureEnabled: true, variables: [{ id: '2', value: EVIL }] };
  const rule = {
    ...{ id: '3', key: EVIL, status: 'Running', variations: [variation], forcedVariations: { [EVIL]: EVIL } },
    audienceConditions: ['or', { name: EVIL, match: EVIL, value: EVIL }, EVIL],
  };
  const view = viewDatafile({
    ...{ revision: EVIL, [EVIL]: EVIL, events: [{ key: EVIL }], attributes: [{ key: EVIL }] },
    featureFlags: [
      { key: EVIL, experimentIds: ['3'], variables: [{ id: '2', key: EVIL, defaultValue: EVIL }] },
    ],
    experiments: [rule],
    audiences: [{ id: EVIL, name: EVIL, conditions: EVIL }],
  });
  const texts: string[] = [];
  const collect = (value: unknown): void => {
    if (typeof value === 'string') texts.push(value);
    else if (value instanceof Map) for (const entry of value) entry.forEach(collect);
    else if (typeof value === 'object' && value !== null)
      for (const inner of Object.values(value)) collect(inner);
  };
  collect(view);
  expect(texts.filter((text) => text.includes('everything')).length).toBeGreaterThan(10);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
  expect(texts.filter((text) => /[\u0000-\u001f\u007f-\u009f\u202e]/.test(text))).toEqual([]);
});
