// What an agent may find in place of its cache files: it starts, serves what the bus and the record have, and fits its container.

import { execFile } from 'node:child_process';
import { mkdir, open, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type Attack, require } from '../attack.ts';
import { peakMib } from '../memory.ts';
import type { Target } from '../target.ts';

const SPARSE_BYTES = 1024 ** 3;
const CONTAINER_MIB = 512;
const POLL_MS = 20;
const WRITTEN_MAX_MS = 10_000;
const READY_MAX_MS = 15_000;

/** In place of every cache file of the last agent, while it is stopped. */
const attack = (name: string, tries: string, put: (path: string) => Promise<unknown>): Attack => ({
  ...{ area: 'disk', name, tries, needsOwnStack: true },
  expects: 'it starts and serves; other agents do not notice',
  run: (target) => startWith(target, put),
});

async function startWith(target: Target, put: (path: string) => Promise<unknown>): Promise<void> {
  const agent = target.own.stack.agents.at(-1);
  require(agent !== undefined, 'there is no agent');
  await target.goodChange();
  const files = await cacheFiles(agent.cacheDir);
  await agent.part.stop();
  for (const path of files) {
    await rm(path, { recursive: true, force: true });
    await put(path);
  }
  const startMs = performance.now();
  try {
    await agent.part.start();
    const ms = performance.now() - startMs;
    const mib = await peakMib(agent.part.pid ?? 0);
    target.note(`ready after ${ms.toFixed(0)} ms, up to ${mib.toFixed(0)} MiB`);
    require(ms < READY_MAX_MS, `it was ready only after ${ms.toFixed(0)} ms`);
    require(mib < CONTAINER_MIB, `it took ${mib.toFixed(0)} MiB`);
  } finally {
    await clear(agent.cacheDir);
    if (!agent.part.isRunning) await agent.part.start();
  }
}

/** Written some time after a change is served. @throws Broken when there are none in the end */
async function cacheFiles(dir: string): Promise<string[]> {
  const deadlineMs = performance.now() + WRITTEN_MAX_MS;
  for (;;) {
    const names = (await readdir(dir).catch(() => [])).filter((name) => !name.endsWith('.tmp'));
    if (names.length > 0) return names.map((name) => join(dir, name));
    require(performance.now() < deadlineMs, 'it has no cache file');
    await sleep(POLL_MS);
  }
}

/** What the attack has put there, and nothing that the agent has written since. */
async function clear(dir: string): Promise<void> {
  for (const entry of await readdir(dir, { withFileTypes: true }))
    if (!entry.isFile()) await rm(join(dir, entry.name), { recursive: true, force: true });
}

export const DISK: readonly Attack[] = [
  attack('garbage for a cache', 'random bytes, and nothing', (path) =>
    writeFile(path, path.length % 2 === 0 ? '' : Buffer.alloc(10_000, 0xa7)),
  ),
  attack('folders for a cache', 'a folder by the name of each file', (path) =>
    mkdir(join(path, 'x'), { recursive: true }),
  ),
  attack('a cache without measure', 'a sparse file of 1 GB', async (path) => {
    const file = await open(path, 'w');
    await file.truncate(SPARSE_BYTES);
    await file.close();
  }),
  attack('a cache that never ends', 'a link to /dev/zero', (path) => symlink('/dev/zero', path)),
  attack('a cache that never begins', 'a FIFO without a writer, as a disk that hangs', (path) =>
    promisify(execFile)('mkfifo', [path]),
  ),
];
