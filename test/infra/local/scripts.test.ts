// The npm scripts of ours on a terminal: --help does nothing but help, and a wrong option gets one line and not a page.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT_DIR } from '../../../infra/local/root.ts';

const { scripts } = JSON.parse(readFileSync(join(ROOT_DIR, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};
/** An agent has its own settings and --help; fanout is tested by itself; osls refuses what package passes on. */
const OTHERS = ['agent', 'fanout', 'package'];
const ours = Object.entries(scripts).flatMap(([name, script]) => {
  const file = /(\S+\.ts)$/.exec(script)?.[1];
  return file === undefined || OTHERS.includes(name) ? [] : [[name, file] as const];
});

const run = (file: string, arg: string): Promise<{ code: number; out: string; err: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [file, arg], { cwd: ROOT_DIR, timeout: 20_000 }, (error, out, err) =>
      resolve({ code: Number(error?.code ?? 0), out, err }),
    );
  });

it.each(ours)('npm run %s', async (name, file) => {
  const [helped, wrong] = await Promise.all([run(file, '--help'), run(file, '--nosuch')]);
  expect(helped).toMatchObject({ code: 0, err: '', out: expect.stringContaining(`npm run ${name}`) });
  expect(wrong).toMatchObject({ code: 2, out: '', err: expect.stringMatching(/^error: .*/) });
  expect(wrong.err.trimEnd().split('\n').length).toBeLessThanOrEqual(2);
});
