// `fanout completion`: a script that completes commands and options in a shell, made from the program itself.

import { Argument, type Command } from 'commander';
import { type Host, runs } from '../command.ts';
import { commandNodes } from '../completion/nodes.ts';
import { completionScript, SHELLS, type ShellName } from '../completion/scripts.ts';
import { EXIT } from '../exit-codes.ts';

export function registerCompletion(program: Command, host: Host): void {
  runs(
    program
      .command('completion')
      .description('a script that completes commands and options: source <(fanout completion bash)')
      .addArgument(new Argument('<shell>', 'which shell it is for').choices(SHELLS))
      .addHelpText('after', HELP),
    host,
    async ({ args, output }) => {
      const shell = args[0] as ShellName;
      const script = completionScript(shell, commandNodes(program));
      output.result({ shell, script }, () => script.trimEnd());
      return EXIT.ok;
    },
  );
}

const HELP = `
For every new shell: put \`source <(fanout completion bash)\` into ~/.bashrc, or the same with zsh into ~/.zshrc after compinit;
for fish \`fanout completion fish > ~/.config/fish/completions/fanout.fish\`.`;
