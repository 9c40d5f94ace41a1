// The command line `fanout` as its own help tells it: one table of all commands, the exit codes, and the help of each.

import { EXIT_MEANING } from '../cli/exit-codes.ts';
import { runProgram } from '../cli/program.ts';
import type { Shell } from '../cli/shell.ts';
import { code, markdownTable } from './markdown.ts';
import type { Writers } from './pages.ts';

const PAGE_COLUMNS = 100;

export const commandParts: Writers = {
  'cli-commands': async () => {
    const commands = await leaves();
    return markdownTable(
      ['command', 'what it does'],
      commands.map(({ usage, description }) => [code(usage), description]),
    );
  },
  'cli-exit-codes': () =>
    markdownTable(
      ['exit code', 'meaning'],
      EXIT_MEANING.map(([exit, meaning]) => [String(exit), meaning]),
    ),
  'cli-help': async () => {
    const commands = await leaves();
    return commands
      .map(({ path, help }) => `### fanout ${path.join(' ')}\n\n\`\`\`text\n${help}\n\`\`\``)
      .join('\n\n');
  },
};

interface CommandHelp {
  readonly path: readonly string[];
  /** `fanout webhook remove <id-or-url>` */
  readonly usage: string;
  readonly description: string;
  readonly help: string;
}

/** Every command that does something, in the order of the help. */
async function leaves(path: readonly string[] = []): Promise<CommandHelp[]> {
  const help = await helpOf(path);
  const names = subcommandsIn(help);
  if (names.length > 0) return (await Promise.all(names.map((name) => leaves([...path, name])))).flat();
  const [, usage = ''] = /^Usage: (.*)$/m.exec(help) ?? [];
  const [, description = ''] = /^Usage: .*\n\n([\s\S]*?)\n\n/m.exec(help) ?? [];
  return [
    { path, usage: usage.replace(' [options]', ''), description: description.replaceAll('\n', ' '), help },
  ];
}

function subcommandsIn(help: string): string[] {
  const [, list = ''] = /\nCommands:\n((?: .*\n)+)/.exec(help) ?? [];
  const names = [...list.matchAll(/^ {2}([a-z]\S*)/gm)].map(([, name = '']) => name);
  return names.filter((name) => name !== 'help');
}

async function helpOf(path: readonly string[]): Promise<string> {
  let text = '';
  await runProgram(
    [...path, '--help'],
    shellThat((written) => {
      text += written;
    }),
  );
  return text.trim().replace(/\n\n`fanout --help` lists the exit codes\.$/, '');
}

/** Help needs nothing of the world but a place to be written to. */
function shellThat(write: (text: string) => void): Shell {
  const stream = { write, isTerminal: false, columns: PAGE_COLUMNS };
  return {
    env: {},
    adopt: () => {},
    out: stream,
    err: stream,
    clock: { nowMs: () => 0, after: () => ({ cancel: () => {} }) },
    random: () => 0,
    newId: () => '',
    fetch: () => Promise.reject(new Error('Help asks nothing of the network.')),
    interrupted: new AbortController().signal,
  };
}
