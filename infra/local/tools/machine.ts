// The machine that programs are looked for and installed on: where they may be, and Debian's packages. Says what it does
// while it does it. Knows no program by name.

import { spawn } from 'node:child_process';
import { access, constants, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { messageOf } from '../../../core/errors.ts';
import { type Progress, progress as toStderr } from '../cli.ts';

/** Everything of the machine that a search depends on, so that a test can be another machine. */
export interface Machine {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: string;
  readonly arch: string;
  readonly isRoot: boolean;
  readonly cacheDir: string;
  /** Contents of /etc/os-release; empty where there is none. */
  readonly osRelease: string;
  readonly isExecutable: (path: string) => Promise<boolean>;
  /** Runs a program, its output as progress. Rejects when it fails. */
  readonly run: (command: string, args: readonly string[]) => Promise<void>;
}

/** Where a program is, along PATH and where packages put servers; undefined where it is not. */
export async function findProgram(machine: Machine, name: string): Promise<string | undefined> {
  const onPath = (machine.env.PATH ?? '').split(delimiter).filter((dir) => dir !== '');
  // Debian puts servers in /usr/sbin, which is not on every user's PATH.
  for (const dir of [...onPath, '/usr/sbin', '/usr/bin', '/usr/local/bin']) {
    const path = join(dir, name);
    if (await machine.isExecutable(path)) return path;
  }
  return undefined;
}

export const canInstallPackages = ({ isRoot, osRelease }: Machine): boolean =>
  isRoot && /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(osRelease);

/** Installs Debian's package of that name and its program; undefined when it cannot be had. */
export async function installPackage(
  machine: Machine,
  name: string,
  progress: Progress,
): Promise<string | undefined> {
  try {
    progress(`${name} is not on this machine: apt-get update`);
    await machine.run('apt-get', ['update', '-qq']);
    progress(`apt-get install ${name}`);
    const quietly = ['-y', '-qq', '-o=Dpkg::Use-Pty=0', '--no-install-recommends'];
    await machine.run('apt-get', ['install', ...quietly, name]);
  } catch (error) {
    progress(`apt-get could not install ${name}: ${messageOf(error)}`);
    return undefined;
  }
  // A package may start a service where there is systemd; ours run on their own ports beside it.
  return findProgram(machine, name);
}

export async function thisMachine(progress: Progress = toStderr): Promise<Machine> {
  const { env } = process;
  return {
    env,
    platform: process.platform,
    arch: process.arch,
    isRoot: process.getuid?.() === 0,
    cacheDir: join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'datafile-fanout'),
    osRelease: await readFile('/etc/os-release', 'utf8').catch(() => ''),
    isExecutable: (path) =>
      access(path, constants.X_OK).then(
        () => true,
        () => false,
      ),
    run: (command, args) => runWithProgress(command, args, progress),
  };
}

function runWithProgress(command: string, args: readonly string[], progress: Progress): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => progress(`  ${line}`));
    }
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} ${args[0] ?? ''} ended with code ${code}`));
    });
  });
}
