// What the local commands share on a terminal: progress on standard error, a table, and one way to end with an
// error that says what to do.

import { FanoutError, messageOf } from '../../core/errors.ts';

/** Standard output is for results (`--json`), everything else goes here. */
export function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}

export type Progress = (line: string) => void;

/** Rows of equal length as aligned text; the last column is not padded. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<number[]>(
    (all, row) => row.map((cell, i) => Math.max(all[i] ?? 0, cell.length)),
    [],
  );
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join('  ');
  return rows.map(line).join('\n');
}

/**
 * For a command without options: prints its usage when that is asked for. False where that was all.
 * @throws UsageError for anything else on the line
 */
export function tellUsage(command: string, usage: string, args: readonly string[]): boolean {
  const [first] = args;
  if (first === undefined) return true;
  if (first !== '--help' && first !== '-h') throw new UsageError(`${command} takes no "${first}"`);
  process.stdout.write(`${usage}\n`);
  return false;
}

/** Prints what failed and what to do about it. */
export function printError(error: unknown): void {
  progress(`error: ${messageOf(error)}`);
  if (error instanceof FanoutError) {
    if (error.cause !== undefined) progress(`  because: ${messageOf(error.cause)}`);
    progress(`  ${error.remedy}`);
  } else if (error instanceof Error && !(error instanceof UsageError) && error.stack !== undefined)
    progress(error.stack);
}

/** What Node adds to the name of an option that it does not know. */
const OF_POSITIONALS = / To specify a positional argument .*/;

/**
 * Prints what ended an npm script: of a wrong option one line, and where all of them are listed.
 * @returns the exit code
 */
export function tellFailure(script: string, error: unknown): 1 | 2 {
  if (!(error instanceof UsageError)) {
    printError(error);
    return 1;
  }
  progress(`error: ${error.message.replace(OF_POSITIONALS, '')}`);
  progress(`  \`npm run ${script} -- --help\` lists the options.`);
  return 2;
}

/** A wrong option of a command: printed without a stack trace, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
