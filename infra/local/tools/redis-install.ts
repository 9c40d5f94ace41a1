// Finds a redis-server for the tests that need a real one, or installs Debian's package where that is possible. There is
// no pinned release: Redis publishes sources only.

import { join } from 'node:path';
import { FanoutError } from '../../../core/errors.ts';
import { type Progress, progress as toStderr } from '../cli.ts';
import { withInstallLock } from './install-lock.ts';
import { canInstallPackages, findProgram, installPackage, type Machine, thisMachine } from './machine.ts';

const PROGRAM = 'redis-server';

/**
 * Path of a redis-server, installed when there is none.
 * @throws FanoutError TOOL_UNAVAILABLE with what to do by hand
 */
export async function ensureRedisServer(machine?: Machine, progress: Progress = toStderr): Promise<string> {
  const here = machine ?? (await thisMachine(progress));
  const found = await findRedisServer(here);
  if (found !== undefined) return found;
  if (!canInstallPackages(here)) throw unavailable('There is no redis-server on this machine');
  return withInstallLock(join(here.cacheDir, 'install.lock'), async () => {
    // The process that held the lock before may have installed it.
    const installed = (await findRedisServer(here)) ?? (await installPackage(here, PROGRAM, progress));
    if (installed === undefined) throw unavailable('The package of redis-server cannot be installed');
    return installed;
  });
}

async function findRedisServer(machine: Machine): Promise<string | undefined> {
  const named = machine.env.REDIS_SERVER;
  if (named === undefined || named === '') return findProgram(machine, PROGRAM);
  if (await machine.isExecutable(named)) return named;
  throw unavailable(`REDIS_SERVER names ${named}, which is not a program`);
}

const unavailable = (message: string) =>
  new FanoutError({
    code: 'TOOL_UNAVAILABLE',
    message,
    remedy:
      'Install it (`apt-get install redis-server` as root, `brew install redis`), or name one with REDIS_SERVER=/path/to/redis-server.',
    retryable: false,
  });
