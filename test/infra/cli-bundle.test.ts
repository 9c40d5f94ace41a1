// The command line as it is shipped: the built files alone, started the way that a package's `bin` is.

import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT_DIR } from '../../infra/build.ts';

const run = promisify(execFile);

describe('the built fanout', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fanout-cli-'));
    await cp(join(ROOT_DIR, 'dist/cli'), folder, { recursive: true });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("the built fanout is the file that the package's bin names", async () => {
    const { bin } = JSON.parse(await readFile(join(ROOT_DIR, 'package.json'), 'utf8'));
    expect(bin).toEqual({ fanout: 'dist/cli/main.mjs' });
  });

  const itOnUnix = it.skipIf(process.platform === 'win32'); // There npm's shim starts it, not its first line.
  itOnUnix('starts as a program, without node_modules beside it', async () => {
    const { stdout } = await run(join(folder, 'main.mjs'), ['--help'], { env: { PATH: process.env.PATH } });
    expect(stdout).toMatch(/^Usage: fanout /);
  });

  it('loads the AWS client when a command needs it', async () => {
    const env = { PATH: process.env.PATH, AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x', HOME: folder };
    const failed = await run(process.execPath, [join(folder, 'main.mjs'), 'logs', '--json'], { env }).then(
      () => null,
      (error: { code: number; stdout: string }) => error,
    );
    expect(failed?.code).toBe(2);
    expect(JSON.parse(failed?.stdout ?? '')).toMatchObject({
      error: { message: expect.stringContaining('Region is missing') },
    });
  });
});
