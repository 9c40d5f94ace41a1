// The command line as a whole: help and exit codes. That the page about it says the same: test/docs/generated.test.ts.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FanoutError } from '../../../core/errors.ts';
import { EXIT_MEANING, exitCodeOf } from '../../../infra/cli/exit-codes.ts';
import { retryAfterMs } from '../../../infra/cli/http.ts';
import { runProgram } from '../../../infra/cli/program.ts';
import { fakeShell } from './support/shell.ts';

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const shell = fakeShell({ isTerminal: false });
  return { code: await runProgram(args, shell), ...shell.written };
}

/** Every command line that --help leads to, groups and leaves. */
async function commandsBelow(path: readonly string[] = []): Promise<string[][]> {
  const { out } = await run(...path, '--help');
  const [, list = ''] = /\nCommands:\n((?: .*\n)+)/.exec(out) ?? [];
  const names = [...list.matchAll(/^ {2}([a-z]\S*)/gm)].map((match) => match[1] ?? '');
  const below = names.filter((name) => name !== 'help').map((name) => [...path, name]);
  const deeper = await Promise.all(below.map((command) => commandsBelow(command)));
  return [...below, ...deeper.flat()];
}

describe('help', () => {
  it('help is a result when it is asked for, and an error when a command is missing', async () => {
    expect(await run('--help')).toMatchObject({
      code: 0,
      err: '',
      out: expect.stringContaining('Usage: fanout'),
    });
    expect(await run()).toMatchObject({ code: 2, out: '', err: expect.stringContaining('Usage: fanout') });
    expect((await run('help', 'webhook')).code).toBe(0);
  });

  it('lists the exit codes once, and every command says where; every command that does something takes --json', async () => {
    const { out: all } = await run('--help');
    for (const [exit, meaning] of EXIT_MEANING)
      expect(all).toMatch(new RegExp(`^ {2}${exit} +${meaning}$`, 'm'));
    const commands = await commandsBelow();
    expect(commands.length).toBeGreaterThan(4);
    for (const command of commands) {
      const { code, out } = await run(...command, '--help');
      expect(code).toBe(0);
      expect(out).not.toContain('Exit codes:');
      expect(out).toContain('`fanout --help` lists the exit codes.');
      if (!out.includes('\nCommands:\n')) expect(out, command.join(' ')).toContain('--json');
    }
  });

  it('help of a line that is not understood is a document under --json', async () => {
    const { code, out } = await run('webhook', 'register', '--json');
    expect(code).toBe(2);
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'USAGE_INVALID' } });
  });
});

it('has a version, that of the package', async () => {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8'));
  expect(await run('--version')).toEqual({ code: 0, out: `${version}\n`, err: '' });
});

describe('exit codes', () => {
  const failure = (code: FanoutError['code'], retryable: boolean) =>
    exitCodeOf(new FanoutError({ code, message: '', remedy: '', retryable }));

  it('follow from what was thrown', () => {
    expect(failure('CONFIG_INVALID', false)).toBe(2);
    expect(failure('USAGE_INVALID', false)).toBe(2);
    expect(failure('REMOTE_REFUSED', false)).toBe(3);
    expect(failure('BUS_UNAVAILABLE', true)).toBe(4);
    expect(failure('NOTHING_FOUND', false)).toBe(1);
    expect(exitCodeOf(new TypeError('x'))).toBe(70);
  });
});

describe('Retry-After', () => {
  const waitMs = (value?: string) =>
    retryAfterMs(new Headers(value === undefined ? {} : { 'retry-after': value }), 0);

  it('Retry-After is seconds, a date, or not understood', () => {
    expect(waitMs('7')).toBe(7_000);
    expect(waitMs('Thu, 01 Jan 1970 00:00:09 GMT')).toBe(9_000);
    expect(waitMs('soon')).toBeNull();
    expect(waitMs()).toBeNull();
  });
});
