// Colours, progress and errors, on a terminal and off it.

import { describe, expect, it } from 'vitest';
import { FanoutError } from '../../../core/errors.ts';
import { createOutput } from '../../../infra/cli/output.ts';
import { fakeShell } from './support/shell.ts';

const ESCAPE = '\u001b';
const FAILURE = new FanoutError({
  code: 'REMOTE_REFUSED',
  message: 'It was refused',
  remedy: 'Ask for permission.',
  retryable: false,
});

describe('colours', () => {
  const painted = (isTerminal: boolean, env: Record<string, string> = {}, json = false) =>
    createOutput(fakeShell({ isTerminal, env }), json).paint('red', 'text');

  it('colours are for terminals', () => {
    expect(painted(true)).toBe(`${ESCAPE}[31mtext${ESCAPE}[39m`);
    expect(painted(false)).toBe('text');
  });

  it('colours are left out where the user turned them off, where the terminal has none, and in JSON', () => {
    expect(painted(true, { NO_COLOR: '1' })).toBe('text');
    expect(painted(true, { NO_COLOR: '' })).not.toBe('text');
    expect(painted(true, { TERM: 'dumb' })).toBe('text');
    expect(painted(true, {}, true)).toBe('text');
  });
});

describe('progress', () => {
  it('replaces itself on a terminal, never longer than a line, and leaves nothing behind', () => {
    const shell = fakeShell({ isTerminal: true, env: { NO_COLOR: '1' } });
    const output = createOutput(shell, false);
    output.progress('one');
    output.progress('x'.repeat(100));
    output.result({}, () => 'done');
    const clear = `\r${ESCAPE}[2K`;
    expect(shell.written).toEqual({ out: 'done\n', err: `one${clear}${'x'.repeat(39)}${clear}` });
  });

  it('progress is one line elsewhere, until something else is said', () => {
    const shell = fakeShell({ isTerminal: false });
    const output = createOutput(shell, false);
    for (const line of ['waiting 1 s', 'waiting 2 s']) output.progress(line);
    output.note('a note');
    output.progress('waiting 3 s');
    expect(shell.written.err).toBe('waiting 1 s\na note\nwaiting 3 s\n');
  });
});

describe('a failure', () => {
  it('says what to do about it', () => {
    const shell = fakeShell({ isTerminal: false });
    createOutput(shell, false).error(FAILURE);
    expect(shell.written).toEqual({ out: '', err: 'error: It was refused\n  Ask for permission.\n' });
  });

  it('a failure is the one document of --json', () => {
    const shell = fakeShell({ isTerminal: true });
    createOutput(shell, true).error(FAILURE);
    expect(shell.written.err).toBe('');
    expect(JSON.parse(shell.written.out)).toEqual({
      error: {
        code: 'REMOTE_REFUSED',
        message: 'It was refused',
        remedy: 'Ask for permission.',
        retryable: false,
      },
    });
  });

  it('an unexpected failure is printed with its stack, as a fault of this program', () => {
    const shell = fakeShell({ isTerminal: false });
    createOutput(shell, false).error(new TypeError('x is undefined'));
    expect(shell.written.err).toContain('error: x is undefined');
    expect(shell.written.err).toContain('output.test.ts');
    expect(shell.written.err).toContain('please report it');
  });
});
