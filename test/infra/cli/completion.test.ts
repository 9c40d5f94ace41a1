// Completion as a person meets it: the script of the program, loaded by a real shell, which is asked what it would offer.

import { execFileSync, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandNodes } from '../../../infra/cli/completion/nodes.ts';
import { SHELLS, type ShellName } from '../../../infra/cli/completion/scripts.ts';
import { createProgram, runProgram } from '../../../infra/cli/program.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { fakeShell } from './support/shell.ts';

async function scriptOf(shell: ShellName): Promise<string> {
  const world = fakeShell({ isTerminal: false });
  expect(await runProgram(['completion', shell], world)).toBe(0);
  return world.written.out;
}

/** What bash would offer for a line, whose last word is still being typed. */
async function offeredByBash(line: string): Promise<string[]> {
  const file = join(await tempDir(), 'fanout.bash');
  await writeFile(file, await scriptOf('bash'));
  const words = line.split(' ');
  const script = `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _fanout; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const out = execFileSync('bash', ['--norc', '-eu', '-c', script, file, ...words], { encoding: 'utf8' });
  return out.split('\n').filter((word) => word !== '');
}

async function offeredByFish(line: string): Promise<string[]> {
  const file = join(await tempDir(), 'fanout.fish');
  await writeFile(file, await scriptOf('fish'));
  const out = execFileSync(
    'fish',
    ['--no-config', '-c', 'source $argv[1]; complete -C $argv[2]', file, line],
    {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, HOME: await tempDir() },
    },
  );
  return out
    .split('\n')
    .filter((word) => word !== '')
    .map((word) => word.split('\t', 1)[0] ?? '');
}

/** Zsh offers only at a terminal; in place of what would draw there, what it is given is printed. */
async function offeredByZsh(line: string): Promise<string[]> {
  const file = join(await tempDir(), 'fanout.zsh');
  await writeFile(file, await scriptOf('zsh'));
  const script = `
    compdef() { : }
    _files() { print -- FILES }
    compadd() { shift; print -l -- "$@" }
    _describe() { local name=\${@[-1]}; print -l -- "\${(@)\${(P@)name}%%:*}" }
    source $1
    words=("\${(@)argv[2,-1]}"); CURRENT=$#words; _fanout`;
  const out = execFileSync('zsh', ['-f', '-c', script, 'zsh', file, ...line.split(' ')], {
    encoding: 'utf8',
  });
  const begun = line.split(' ').at(-1) ?? '';
  return out.split('\n').filter((word) => word !== '' && word.startsWith(begun));
}

const OFFERED = { bash: offeredByBash, zsh: offeredByZsh, fish: offeredByFish };
const isMissing = (shell: string) => spawnSync(shell, ['-c', 'true']).status !== 0;

const nodes = commandNodes(createProgram({ shell: fakeShell({ isTerminal: false }), ended: () => {} }));

it('knows every command and option of the program', () => {
  const paths = nodes.map(({ path }) => path);
  expect(paths).toEqual(expect.arrayContaining(['', 'webhook list', 'datafile rollback', 'completion']));
  expect(nodes.find(({ path }) => path === 'logs')?.options.map(({ text }) => text)).toEqual(
    expect.arrayContaining(['--revision', '--change', '--json', '--help']),
  );
});

describe.each(SHELLS)('in a real %s', (shell) => {
  const offered = OFFERED[shell];

  it.for<[string, string[]]>([
    ['fanout ', ['webhook', 'logs', 'datafile', 'completion']],
    ['fanout web', ['webhook']],
    ['fanout datafile ', ['history', 'rollback', 'unpin']],
    ['fanout --stage prod datafile h', ['history']],
    ['fanout logs --r', ['--revision', '--role', '--region']],
    ['fanout config check --of ', ['functions', 'receiver', 'agent']],
    ['fanout logs --role b', ['bus-only']],
    ['fanout completion z', ['zsh']],
  ])('%j is offered %j', async ([line, words], { skip }) => {
    skip(isMissing(shell), `${shell} is not on this machine`);
    expect(await offered(line)).toEqual(expect.arrayContaining(words));
  });

  it('every command is offered what follows it, and nothing of other commands', async ({ skip }) => {
    skip(isMissing(shell), `${shell} is not on this machine`);
    for (const { path, words, options } of nodes) {
      const line = ['fanout', ...path.split(' ').filter(Boolean)].join(' ');
      const sorted = (list: readonly { text: string }[]) => list.map(({ text }) => text).sort();
      expect((await offered(`${line} --`)).sort(), line).toEqual(sorted(options));
      if (words.length > 0)
        expect((await offered(`${line} `)).filter((word) => !word.startsWith('-')).sort(), line).toEqual(
          sorted(words),
        );
    }
  });
});

it('refuses a shell that it does not know', async () => {
  const shell = fakeShell({ isTerminal: false });
  expect(await runProgram(['completion', 'tcsh'], shell)).toBe(2);
  expect(shell.written.err).toContain('Allowed choices are bash, zsh, fish');
});
