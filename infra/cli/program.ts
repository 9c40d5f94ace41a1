// The command line `fanout`: its list of commands, its help, and its answer to a wrong line. Each command's work is in a file of
// its own.

import { Command, CommanderError } from 'commander';
import { VERSION } from '../../core/release.ts';
import { outboundRouteInvalid } from '../../io/http/outbound-route.ts';
import { type Host, type Register, usageError } from './command.ts';
import { registerCompletion } from './commands/completion.ts';
import { registerConfig } from './commands/config-check.ts';
import { registerDatafile } from './commands/datafile.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerLogs } from './commands/logs.ts';
import { registerSigning } from './commands/signing.ts';
import { registerWebhook } from './commands/webhook.ts';
import { EXIT, EXIT_MEANING, type ExitCode, exitCodeOf } from './exit-codes.ts';
import { createOutput } from './output.ts';
import type { Shell } from './shell.ts';

/** In the order in which --help lists them. */
const COMMANDS: readonly Register[] = [
  registerWebhook,
  registerLogs,
  registerDatafile,
  registerDoctor,
  registerConfig,
  registerSigning,
  registerCompletion,
];

const HELP_COLUMNS_MAX = 110;

/** Runs one command line. Never throws: everything becomes words on a stream, and an exit code. */
export async function runProgram(args: readonly string[], shell: Shell): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  const host: Host = {
    shell,
    ended: (ended) => {
      code = ended;
    },
  };
  const wrong = shell.outboundRoute?.problems ?? [];
  try {
    // For `config` they are findings.
    if (wrong.length > 0 && args[0] !== 'config') throw outboundRouteInvalid(wrong);
    await createProgram(host).parseAsync([...args], { from: 'user' });
    return code;
  } catch (error) {
    const asked = createOutput(shell, args.includes('--json'));
    if (!(error instanceof CommanderError)) {
      asked.error(error);
      return exitCodeOf(error);
    }
    // Help that was asked for is a result. A line that is not understood was answered with words already.
    if (error.exitCode === 0) return EXIT.ok;
    if (asked.json) asked.error(misunderstood(error));
    return EXIT.usage;
  }
}

export function createProgram(host: Host): Command {
  const { out, err } = host.shell;
  const helpWidth = Math.min(out.columns, HELP_COLUMNS_MAX);
  // Commands inherit these settings if they are made after this.
  const program = new Command('fanout')
    .description('Sets up, tests and looks into a datafile-fanout deployment.')
    .exitOverride()
    .allowExcessArguments(false)
    .showHelpAfterError('(--help after the command tells more)')
    .configureOutput({
      writeOut: (text) => out.write(text),
      writeErr: (text) => err.write(text),
      getOutHelpWidth: () => helpWidth,
      getErrHelpWidth: () => helpWidth,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .version(VERSION, '--version', 'print the version')
    .addHelpText('afterAll', ({ command }) => `\n${command.parent === null ? EXIT_HELP : EXIT_HINT}`);
  for (const register of COMMANDS) register(program, host);
  return program;
}

const EXIT_HELP = [
  'Exit codes:',
  ...EXIT_MEANING.map(([code, meaning]) => `  ${String(code).padEnd(3)}  ${meaning}`),
].join('\n');

const EXIT_HINT = '`fanout --help` lists the exit codes.';

const misunderstood = (error: CommanderError) =>
  usageError(error.message.replace(/^error: /, ''), 'Ask the command for --help.');
