// Runs the blocks of a document as a reader does: one after another in one shell, in the folder of the checkout. Ends at the
// first command that fails, or that reads a variable which was never set.

import { spawn } from 'node:child_process';
import { ROOT_DIR } from '../../infra/local/root.ts';
import { type Block, blocksOf, type Place } from './blocks.ts';

export interface RunOptions {
  readonly env: Readonly<Record<string, string>>;
  /** What a reader would fill in: text of the document → what stands for it here. */
  readonly fillIn: Readonly<Record<string, string>>;
}

export interface Ran {
  readonly code: number | null;
  /** Of the block that was the last to begin: `README.md:12`. */
  readonly last: string;
  readonly output: string;
  readonly blocks: number;
}

const MARK = '@@ ';

export async function runDocument(document: string, place: Place, { env, fillIn }: RunOptions): Promise<Ran> {
  const blocks = blocksOf(document).filter(({ places }) => places.includes(place));
  const script = blocks.map((block) => `echo '${MARK}${nameOf(block)}'\n${filledIn(block.text, fillIn)}`);
  const shell = spawn('bash', ['-eu', '-o', 'pipefail', '-c', script.join('\n')], {
    cwd: ROOT_DIR,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [shell.stdout, shell.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const code = await new Promise<number | null>((resolve, reject) => {
    shell.once('error', reject).once('close', resolve);
  });
  const last = output.split('\n').findLast((line) => line.startsWith(MARK)) ?? MARK;
  return { code, last: last.slice(MARK.length), output, blocks: blocks.length };
}

const nameOf = ({ document, line }: Block): string => `${document}:${line}`;

const filledIn = (text: string, fillIn: RunOptions['fillIn']): string =>
  Object.entries(fillIn).reduce((all, [from, to]) => all.replaceAll(from, to), text);
