// A real redis-server for one test file, on a free port, with nothing on disk.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Part } from '../../infra/local/stack/part.ts';
import { freePorts } from '../../infra/local/stack/ports.ts';
import { startReaper } from '../../infra/local/stack/reaper-client.ts';
import { ensureRedisServer } from '../../infra/local/tools/redis-install.ts';

export interface TestRedis {
  readonly port: number;
  /** Stop and start it at will: it comes back on the same port, empty. */
  readonly part: Part;
  close(): Promise<void>;
}

/** A text says why there is none on this machine: tests are skipped with it. */
export async function redisServer(): Promise<{ readonly path: string } | { readonly missing: string }> {
  try {
    return { path: await ensureRedisServer() };
  } catch (error) {
    return { missing: error instanceof Error ? error.message : String(error) };
  }
}

export async function startTestRedis(path: string): Promise<TestRedis> {
  const reaper = startReaper();
  const dir = await mkdtemp(join(tmpdir(), 'datafile-fanout-redis-'));
  reaper.owns(dir);
  const port = await freePorts(Math.random).next();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', dir];
  const part = new Part(
    { name: 'redis-server', command: path, args, readiness: /Ready to accept connections/ },
    reaper,
  );
  const close = async () => {
    await part.stop();
    await rm(dir, { recursive: true, force: true });
    await reaper.close();
  };
  try {
    await part.start();
  } catch (error) {
    await close();
    throw error;
  }
  return { port, part, close };
}
