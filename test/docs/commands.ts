// Commands that the documents name, in blocks and in passing, and whether they exist: `fanout` by its own tree of commands, npm's
// by package.json and each script's --help, osls by its --help and serverless.yml.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type CommandNode, commandNodes } from '../../infra/cli/completion/nodes.ts';
import { createProgram } from '../../infra/cli/program.ts';
import { ROOT_DIR } from '../../infra/local/root.ts';
import { fakeShell } from '../infra/cli/support/shell.ts';

const run = promisify(execFile);

export interface NamedCommand {
  readonly program: 'fanout' | 'npm' | 'osls';
  /** What follows the program's name. */
  readonly words: readonly string[];
}

/** npm's own commands that the documents use. */
const OF_NPM = ['ci', 'test', 'run', 'install'];
const PROGRAM = /^(?:\w+=\S* )*(fanout|npm|(?:npx )?osls) (.+)$/;
/** Where a command ends: a pipe, the next command, a comment, a redirection, the end of a substitution. */
const END = / \|| #|;| && | \|\| | > |\)(?=\s|$)/;
/** Stands for text that a reader would type. */
const isOpen = (word: string | undefined): boolean =>
  word === undefined || /^[….<[{$'"]/.test(word) || word === '…';

/** All commands of a page. */
export function commandsIn(page: string): NamedCommand[] {
  const blocks = [...page.matchAll(/^\s*```\w*\n(.*?)^\s*```$/gms)].map(([, text = '']) => text);
  const lines = blocks.flatMap((text) => text.replaceAll(/\\\n\s*/g, ' ').split('\n'));
  const prose = page.replaceAll(/^\s*```.*?^\s*```$/gms, '');
  const spans = [...prose.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text.replaceAll(/\s+/g, ' '));
  return [...lines, ...spans].flatMap(commandOf);
}

function commandOf(code: string): NamedCommand[] {
  const [, name = '', rest = ''] = PROGRAM.exec(code.trim()) ?? [];
  if (rest === '') return [];
  const words = (rest.split(END, 1)[0] ?? '').trim().split(/\s+/);
  if (name !== 'npm') return [{ program: name.endsWith('osls') ? 'osls' : 'fanout', words }];
  const [first, ...more] = words.filter((word) => word !== '-s');
  if (first === 'run' && more[0] === 'fanout') return [{ program: 'fanout', words: more.slice(2) }];
  return [{ program: 'npm', words: words.filter((word) => word !== '-s') }];
}

const optionsOf = (words: readonly string[]): string[] =>
  words.filter((word) => /^--[a-z]/.test(word)).map((word) => word.split('=', 1)[0] ?? '');

/** What of a command does not exist; null when all of it does. */
export function problemOf({ program, words }: NamedCommand): Promise<string | null> {
  return { fanout: problemOfFanout, npm: problemOfNpm, osls: problemOfOsls }[program](words);
}

const nodes: readonly CommandNode[] = commandNodes(
  createProgram({ shell: fakeShell({ isTerminal: false }), ended: () => {} }),
);

async function problemOfFanout(words: readonly string[]): Promise<string | null> {
  let node = nodes.find(({ path }) => path === '') as CommandNode;
  for (const word of words) {
    const below = nodes.find(({ path }) => path === `${node.path} ${word}`.trim());
    if (below !== undefined) node = below;
    else {
      const isChoice = node.words.some(({ text }) => text === word);
      if (node.words.length > 0 && !isChoice && !isOpen(word) && !word.startsWith('-'))
        return `fanout ${node.path} has no command ${word}`;
      break;
    }
  }
  // `fanout --stage` without a command is told of any command that has it.
  const holders = node.path === '' ? nodes : [node];
  const known = holders.flatMap(({ options }) => options.map(({ text }) => text));
  const unknown = optionsOf(words).filter((option) => !known.includes(option));
  if (unknown.length > 0) return `fanout ${node.path} has no option ${unknown.join(', ')}`;
  for (const { text, values } of node.options) {
    const value = words[words.indexOf(text) + 1];
    if (values.length > 0 && words.includes(text) && !isOpen(value) && !values.includes(value ?? ''))
      return `fanout ${node.path} ${text} takes ${values.join(', ')}, not ${value}`;
  }
  return null;
}

const packageJson = JSON.parse(readFileSync(join(ROOT_DIR, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
};

async function problemOfNpm([command = '', name = '', ...more]: readonly string[]): Promise<string | null> {
  if (!OF_NPM.includes(command)) return `npm has no command ${command} that is told of here`;
  if (command !== 'run' || isOpen(name)) return null;
  const script = packageJson.scripts[name];
  if (script === undefined) return `there is no npm script ${name}`;
  const options = optionsOf(more);
  if (options.length === 0) return null;
  const help = await helpOf(process.execPath, [...script.split(' ').slice(1), '--help']);
  const unknown = options.filter((option) => !hasOption(help, option));
  return unknown.length === 0 ? null : `npm run ${name} has no option ${unknown.join(', ')}`;
}

async function problemOfOsls(words: readonly string[]): Promise<string | null> {
  const command = words[0] ?? '';
  const help = await helpOf(join(ROOT_DIR, 'node_modules/.bin/osls'), [command, '--help']);
  if (!help.startsWith(`${command} `)) return `osls has no command ${command}`;
  const unknown = optionsOf(words).filter((option) => !hasOption(help, option));
  if (unknown.length > 0) return `osls ${command} has no option ${unknown.join(', ')}`;
  const template = readFileSync(join(ROOT_DIR, 'serverless.yml'), 'utf8');
  const params = words.flatMap((word, i) =>
    words[i - 1] === '--param' ? [word.split('=', 1)[0] ?? ''] : [],
  );
  const unset = params.filter((param) => !new RegExp(`^ {4}${param}:`, 'm').test(template));
  return unset.length === 0 ? null : `serverless.yml has no param ${unset.join(', ')}`;
}

const hasOption = (help: string, option: string): boolean => new RegExp(`${option}(?![a-z-])`).test(help);

const helps = new Map<string, Promise<string>>();

function helpOf(program: string, args: readonly string[]): Promise<string> {
  const key = [program, ...args].join(' ');
  const help = helps.get(key) ?? run(program, [...args], { cwd: ROOT_DIR }).then(({ stdout }) => stdout);
  helps.set(key, help);
  return help;
}
