// What is done to a process or a file system from outside, by the tools of Linux.

import { spawnSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';

/** @throws Error with what the tool said */
export function tool(command: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr.trim()}`);
  return stdout;
}

const hasTool = (command: string): boolean =>
  spawnSync(command, ['--version'], { stdio: 'ignore' }).error === undefined;

/** Why these cannot be used here; undefined when they can. */
export function blockedWithout(...tools: readonly string[]): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux';
  const missing = tools.filter((one) => !hasTool(one));
  return missing.length === 0 ? undefined : `needs ${missing.join(' and ')}`;
}

/** As `blockedWithout`, for what only root may do. */
export const blockedWithoutRoot = (...tools: readonly string[]): string | undefined =>
  blockedWithout(...tools) ?? (process.getuid?.() === 0 ? undefined : 'needs root');

/** Open file descriptors of a process. */
export const openFiles = async (pid: number): Promise<number> => (await readdir(`/proc/${pid}/fd`)).length;

/** @param count null puts the usual limit back */
export function limitFiles(pid: number, count: number | null): void {
  tool('prlimit', '--pid', String(pid), `--nofile=${count ?? USUAL_FILES}:${USUAL_FILES}`);
}

/** A soft limit that nothing here comes near; the hard one, so that it can be put back without root. */
const USUAL_FILES = 4_096;

/** Pids of the processes that a process has started. */
export async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.trim().split(/\s+/).filter(Boolean).map(Number);
}
