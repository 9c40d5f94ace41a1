// Finds the nats-server that the local stack runs, or installs one: NATS_SERVER, PATH, the cache folder, Debian's package
// where that is possible, else the pinned release. Says what it does while it does it.

import { join } from 'node:path';
import { type Progress, progress as toStderr } from '../cli.ts';
import { withInstallLock } from './install-lock.ts';
import { canInstallPackages, findProgram, installPackage, type Machine, thisMachine } from './machine.ts';
import {
  cachedServer,
  installRelease,
  NATS_RELEASE,
  type NatsRelease,
  releasePlatform,
  unavailable,
} from './nats-release.ts';

const PROGRAM = 'nats-server';

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
    // The process that held the lock before may have installed it.
    const installed = await findNatsServer(here, release);
    return installed ?? install(here, release, progress);
  });
}

async function install(here: Machine, release: NatsRelease, progress: Progress): Promise<string> {
  if (canInstallPackages(here)) {
    const installed = await installPackage(here, PROGRAM, progress);
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
  const onMachine = await findProgram(machine, PROGRAM);
  if (onMachine !== undefined) return onMachine;
  const cached = cachedServer(machine.cacheDir, release);
  return (await machine.isExecutable(cached)) ? cached : undefined;
}
