// The parts of every command: one function from its options to an exit code, and the one way to register it, which adds --json
// and turns every error into words and an exit code. Knows commander, and no command.

import type { Command } from 'commander';
import { FanoutError } from '../../core/errors.ts';
import { forOperator } from './aws-errors.ts';
import { EXIT, type ExitCode, exitCodeOf } from './exit-codes.ts';
import { createOutput, type Output } from './output.ts';
import type { Shell } from './shell.ts';

export interface Call<Options> {
  /** Arguments in the order of the command's usage. */
  readonly args: readonly string[];
  readonly options: Options;
  readonly shell: Shell;
  readonly output: Output;
}

/** Does the work. Throws FanoutError for what an operator can act on. */
export type Run<Options> = (call: Call<Options>) => Promise<ExitCode>;

/** What a command's file exports: adds itself to the program or to a group. */
export type Register = (program: Command, host: Host) => void;

export interface Host {
  readonly shell: Shell;
  /** Told the exit code of the command that ran. */
  readonly ended: (code: ExitCode) => void;
}

/** Ends the definition of a command: call it last. */
export function runs<Options extends object>(command: Command, host: Host, run: Run<Options>): Command {
  return command
    .option('--json', 'print the result as one JSON document')
    .action(async (...given: unknown[]) => {
      const options = command.opts<Options & { json?: boolean }>();
      const output = createOutput(host.shell, options.json === true);
      // Commander hands over the arguments, then options and itself.
      const args = given
        .slice(0, -2)
        .flat()
        .filter((arg) => typeof arg === 'string');
      try {
        host.ended(await run({ args, options, shell: host.shell, output }));
      } catch (error) {
        // After Ctrl-C any failure comes from the interruption.
        if (host.shell.interrupted.aborted) return host.ended(EXIT.interrupted);
        const told = forOperator(error);
        output.error(told);
        host.ended(exitCodeOf(told));
      }
    });
}

/** For something that was asked for by name and is not there. */
export const notFound = (message: string, remedy: string): FanoutError =>
  new FanoutError({ code: 'NOTHING_FOUND', message, remedy, retryable: false });

/** For an option or argument that makes no sense. */
export const usageError = (message: string, remedy: string): FanoutError =>
  new FanoutError({ code: 'USAGE_INVALID', message, remedy, retryable: false });
