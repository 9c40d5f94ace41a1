// How a command ends, as a number that scripts can branch on. The table is printed by --help and, from there, on docs/cli.md.

import { type ErrorCode, FanoutError } from '../../core/errors.ts';

export const EXIT = {
  ok: 0,
  /** The command did its work, and what it was asked about is not as it should be. */
  finding: 1,
  usage: 2,
  refused: 3,
  unreachable: 4,
  interrupted: 130,
  /** A fault of ours: EX_SOFTWARE of sysexits.h. */
  fault: 70,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_MEANING: readonly (readonly [ExitCode, string])[] = [
  [EXIT.ok, 'done, and nothing is wrong'],
  [EXIT.finding, 'done, but something is wrong or was not found; the output says what'],
  [EXIT.usage, 'the command line or a setting is wrong; nothing was done'],
  [EXIT.refused, 'the other side refused: wrong token or secret, or no permission'],
  [EXIT.unreachable, 'the other side could not be reached, failed or is overloaded; try again'],
  [EXIT.fault, 'a fault of this command; please report it'],
  [EXIT.interrupted, 'stopped by Ctrl-C'],
];

const USAGE_CODES: ReadonlySet<ErrorCode> = new Set(['CONFIG_INVALID', 'USAGE_INVALID', 'SDK_KEY_INVALID']);

/** The exit code for an error of a command. */
export function exitCodeOf(error: unknown): ExitCode {
  if (!(error instanceof FanoutError)) return EXIT.fault;
  if (USAGE_CODES.has(error.code)) return EXIT.usage;
  if (error.code === 'REMOTE_REFUSED') return EXIT.refused;
  return error.retryable ? EXIT.unreachable : EXIT.finding;
}
