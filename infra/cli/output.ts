// The output of a command: its result on standard output, as text or with --json as exactly one JSON document; everything else on
// standard error. Colours only where a terminal shows them. Knows no command.

import { styleText } from 'node:util';
import { errorFields, FanoutError, messageOf } from '../../core/errors.ts';
import { maskUserInfo } from '../../core/http/user-info.ts';
import type { Environment } from '../../functions/settings/settings.ts';
import { printable } from './printable.ts';
import type { Shell, Stream } from './shell.ts';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';
export type Paint = (style: Style, text: string) => string;

export interface Output {
  readonly json: boolean;
  /** Width to draw in, columns. */
  readonly columns: number;
  /** Styles text of the result; leaves it alone where there are no colours. */
  readonly paint: Paint;
  /** The one result of a command. `text` is not asked for under --json. */
  result(value: object, text: () => string): void;
  /** A line about what goes on, or is worth knowing; not part of the result. */
  note(line: string): void;
  /** A line that the next one replaces. Where nothing can be replaced, only the first until the next note or result. */
  progress(line: string): void;
  /** What failed and what to do about it; with --json also as a document on standard output. */
  error(error: unknown): void;
}

export function createOutput({ out, err, env }: Shell, json: boolean): Output {
  const paint = painter(out, env, json);
  const paintErr = painter(err, env, false);
  let shown = '';
  const clear = () => {
    if (shown !== '' && err.isTerminal) err.write('\r\u001b[2K');
    shown = '';
  };
  return {
    json,
    columns: out.columns,
    paint,
    result: (value, text) => {
      clear();
      out.write(json ? `${JSON.stringify(value, null, 2)}\n` : `${printable(text())}\n`);
    },
    note: (line) => {
      clear();
      err.write(`${printable(line)}\n`);
    },
    progress: (line) => {
      if (!err.isTerminal && shown !== '') return;
      clear();
      shown = line;
      err.write(err.isTerminal ? paintErr('dim', line.slice(0, err.columns - 1)) : `${line}\n`);
    },
    error: (error) => {
      clear();
      if (json) out.write(`${JSON.stringify({ error: errorDocument(error) }, null, 2)}\n`);
      else for (const line of errorLines(error, paintErr)) err.write(`${printable(line)}\n`);
    },
  };
}

/** https://no-color.org: any value but the empty one turns colours off. */
function painter(stream: Stream, env: Environment, json: boolean): Paint {
  const colours = stream.isTerminal && !json && !env.NO_COLOR && env.TERM !== 'dumb';
  // The terminal was judged above; styleText() would ask the process's own streams.
  return (style, text) => (colours ? styleText(style, text, { validateStream: false }) : text);
}

function errorDocument(error: unknown): Record<string, unknown> {
  if (!(error instanceof FanoutError)) return { code: 'UNEXPECTED', message: messageOf(error) };
  const { error: message, ...rest } = errorFields(error);
  return { ...rest, message };
}

function errorLines(error: unknown, paint: Paint): string[] {
  const first = `${paint('red', 'error:')} ${messageOf(error)}`;
  if (!(error instanceof FanoutError)) {
    const stack = error instanceof Error ? maskUserInfo(error.stack ?? '') : '';
    return [first, ...stack.split('\n').slice(1), 'This is a fault of the command; please report it.'];
  }
  const cause = error.cause === undefined ? '' : messageOf(error.cause);
  // Most messages of what failed outside end with it already.
  const because = error.message.includes(cause) ? [] : [`  because: ${cause}`];
  return [first, ...because, `  ${error.remedy}`];
}

/** Rows as aligned text; the last column is not padded. `styled` cells must be painted after this, or widths are wrong. */
export { table } from '../local/cli.ts';
