// The pinned foreign tools of `npm run verify`, installed once into a cache folder of the project: Python tools into a
// virtual environment, nats-server, versitygw and helm by `go install`. Never needed by `npm test` or `npm run up`.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FanoutError } from '../../../core/errors.ts';
import { progress } from '../../../infra/local/cli.ts';
import { ROOT_DIR } from '../../../infra/local/stack/parts.ts';

const CACHE_DIR = join(ROOT_DIR, '.cache', 'verify');
const REQUIREMENTS = join(ROOT_DIR, 'test/lab/verify/requirements.txt');
const NATS_VERSION = 'v2.12.4';
const HELM_VERSION = 'v3.19.0';
const VERSITYGW_VERSION = 'v1.8.0';

/** Path of a program of the Python tools, for example `moto_server`. @throws FanoutError TOOL_UNAVAILABLE */
export async function pythonTool(program: string): Promise<string> {
  const requirements = await readFile(REQUIREMENTS);
  // Named by what is in it: another pin is another folder, and a half-made one is never mistaken for a whole.
  const hash = createHash('sha256').update(requirements).digest('hex').slice(0, 12);
  const venv = join(CACHE_DIR, `python-${hash}`);
  const marker = join(venv, 'complete');
  if (!existsSync(marker)) {
    await rm(venv, { recursive: true, force: true });
    await mkdir(CACHE_DIR, { recursive: true });
    progress(`installing moto, the AWS CLI, cfn-lint and other Python tools into ${venv}`);
    await install('python3', ['-m', 'venv', venv], PYTHON_REMEDY);
    await install(
      join(venv, 'bin', 'pip'),
      ['install', '--quiet', '--disable-pip-version-check', '-r', REQUIREMENTS],
      PYTHON_REMEDY,
    );
    await writeFile(marker, '');
  }
  return join(venv, 'bin', program);
}

/** Path of a current nats-server. @throws FanoutError TOOL_UNAVAILABLE */
export const currentNatsServer = (): Promise<string> =>
  goTool('nats-server', 'github.com/nats-io/nats-server/v2', NATS_VERSION);

/** Path of helm 3. @throws FanoutError TOOL_UNAVAILABLE */
export const helm = (): Promise<string> => goTool('helm', 'helm.sh/helm/v3/cmd/helm', HELM_VERSION);

/** Path of versitygw, an S3 server of another maker. @throws FanoutError TOOL_UNAVAILABLE */
export const versitygw = (): Promise<string> =>
  goTool('versitygw', 'github.com/versity/versitygw/cmd/versitygw', VERSITYGW_VERSION);

async function goTool(name: string, module: string, version: string): Promise<string> {
  const dir = join(CACHE_DIR, `${name}-${version}`);
  const program = join(dir, name);
  if (!existsSync(program)) {
    progress(`building ${name} ${version} into ${dir}`);
    const work = `${dir}.part`;
    await rm(work, { recursive: true, force: true });
    await install('go', ['install', `${module}@${version}`], GO_REMEDY, { GOBIN: work });
    await rename(work, dir);
  }
  return program;
}

const PYTHON_REMEDY =
  'Install Python 3.11 or newer with its venv module (Debian: apt-get install python3 python3-venv).';
const GO_REMEDY = 'Install Go 1.25 or newer (go.dev/doc/install).';

async function install(
  command: string,
  args: readonly string[],
  remedy: string,
  env: Record<string, string> = {},
): Promise<void> {
  const { code, output } = await run(command, args, env);
  if (code === 0) return;
  throw new FanoutError({
    code: 'TOOL_UNAVAILABLE',
    message: `${command} ${args.slice(0, 2).join(' ')} failed: ${output.trim().slice(-1_000)}`,
    remedy,
    retryable: true,
  });
}

export interface Ran {
  /** Exit code; 127 when the program is not there, as shells have it. */
  readonly code: number;
  /** Standard output and standard error together. */
  readonly output: string;
}

/** Runs a program to its end, in the project's folder. */
export function run(
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: ROOT_DIR,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    child.once('error', (error) => resolve({ code: 127, output: error.message }));
    child.once('close', (code) => resolve({ code: code ?? 1, output }));
  });
}
