// `npm run docs`: says which pages hold something generated that is out of date, or writes it. With --terminal it draws what a
// command printed.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../core/errors.ts';
import { allPages, readPage, writtenAnew } from './docs/pages.ts';
import { terminalPicture } from './docs/terminal-picture.ts';
import { WRITERS } from './docs/writers.ts';
import { tellFailure, UsageError } from './local/cli.ts';
import { ROOT_DIR } from './local/root.ts';

const OPTIONS = {
  write: { type: 'boolean' },
  terminal: { type: 'string' },
  command: { type: 'string' },
  out: { type: 'string' },
  help: { type: 'boolean' },
} as const;

const HELP = `npm run docs                     names the pages whose generated parts are out of date; exits 1 if there are any
npm run docs -- --write          writes them
npm run docs -- --terminal FILE --command 'npm run demo' --out docs/images/demo.svg
                                 draws what the command printed into FILE as a picture of a terminal`;

const DONE = 0;
const OUT_OF_DATE = 1;

async function main(): Promise<number> {
  const options = optionsOf();
  if (options.help) return say(HELP);
  if (options.terminal !== undefined) return draw(options.terminal, options.command, options.out);
  const changed: string[] = [];
  for (const path of allPages()) {
    const page = readPage(path);
    const anew = await writtenAnew(page, WRITERS);
    if (anew === page) continue;
    changed.push(path);
    if (options.write) writeFileSync(join(ROOT_DIR, path), anew);
  }
  if (changed.length === 0) return say('Every generated part is up to date.');
  say(`${options.write ? 'written' : 'out of date'}: ${changed.join(', ')}`);
  return options.write ? DONE : OUT_OF_DATE;
}

function optionsOf() {
  try {
    return parseArgs({ options: OPTIONS, strict: true }).values;
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}

function draw(recording: string, command: string | undefined, out: string | undefined): number {
  if (command === undefined || out === undefined)
    throw new UsageError('--terminal needs --command, which is shown above the output, and --out');
  writeFileSync(out, terminalPicture(command, readFileSync(recording, 'utf8')));
  return say(`written: ${out}`);
}

function say(text: string): number {
  process.stdout.write(`${text}\n`);
  return DONE;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => process.exit(tellFailure('docs', error)),
);
