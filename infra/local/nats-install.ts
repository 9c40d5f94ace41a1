// Finds the nats-server that the local stack runs, or installs one: NATS_SERVER, PATH, the cache folder, Debian's package
// where that is possible, else the pinned release. Says what it does while it does it.

import { spawn } from 'node:child_process';
import { access, constants, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { messageOf } from '../../core/errors.ts';
import { type Progress, progress as toStderr } from './cli.ts';
import { withInstallLock } from './install-lock.ts';
import {
  cachedServer,
  installRelease,
  NATS_RELEASE,
  type NatsRelease,
  releasePlatform,
  unavailable,
} from './nats-release.ts';

/** Everything of the machine that the search depends on, so that a test can be another machine. */
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

/**
 * Path of a nats-server, installed when there is none.
 * @throws FanoutError TOOL_UNAVAILABLE with what to do by hand
 */
export async function ensureNatsServer(
  machine?: Machine,
  release: NatsRelease = NATS_RELEASE,
  progress: Progress = toStderr,
): Promise<string> {
  const here = machine ?? (await thisMachine(progress));
  const found = await findNatsServer(here, release);
  if (found !== undefined) return found;
  return withInstallLock(join(here.cacheDir, 'install.lock'), async () => {
    // Whoever held the lock before may have installed it.
    const installed = await findNatsServer(here, release);
    return installed ?? install(here, release, progress);
  });
}

async function install(here: Machine, release: NatsRelease, progress: Progress): Promise<string> {
  if (here.isRoot && hasApt(here.osRelease)) {
    const installed = await installPackage(here, progress);
    if (installed !== undefined) return installed;
  }
  return installRelease(release, releasePlatform(here.platform, here.arch), here.cacheDir, progress);
}

/** @throws FanoutError TOOL_UNAVAILABLE when NATS_SERVER names something that cannot be run */
export async function findNatsServer(machine: Machine, release: NatsRelease): Promise<string | undefined> {
  const named = machine.env.NATS_SERVER;
  if (named !== undefined && named !== '') {
    if (await machine.isExecutable(named)) return named;
    throw unavailable(`NATS_SERVER names ${named}, which is not a program`);
  }
  const onPath = (machine.env.PATH ?? '').split(delimiter).filter((dir) => dir !== '');
  // Debian puts it in /usr/sbin, which is not on every user's PATH.
  const candidates = [...onPath, '/usr/sbin', '/usr/local/bin'].map((dir) => join(dir, 'nats-server'));
  for (const path of [...candidates, cachedServer(machine.cacheDir, release)]) {
    if (await machine.isExecutable(path)) return path;
  }
  return undefined;
}

const hasApt = (osRelease: string): boolean => /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(osRelease);

/** Undefined when the package cannot be had; then the pinned release is tried. */
async function installPackage(machine: Machine, progress: Progress): Promise<string | undefined> {
  try {
    progress('nats-server is not on this machine: apt-get update');
    await machine.run('apt-get', ['update', '-qq']);
    progress('apt-get install nats-server');
    await machine.run('apt-get', [
      'install',
      '-y',
      '-qq',
      '-o=Dpkg::Use-Pty=0',
      '--no-install-recommends',
      'nats-server',
    ]);
  } catch (error) {
    progress(`apt-get could not install nats-server: ${messageOf(error)}`);
    return undefined;
  }
  // The package starts a service where there is systemd; the stack runs its own server on its own ports beside it.
  return (await machine.isExecutable('/usr/sbin/nats-server')) ? '/usr/sbin/nats-server' : undefined;
}

async function thisMachine(progress: Progress): Promise<Machine> {
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
