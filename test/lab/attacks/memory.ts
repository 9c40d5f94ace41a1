// What a process has held at most while it was attacked, against the container that it is meant for. Linux only, as /proc is.

import { readFile, writeFile } from 'node:fs/promises';
import { NotHere, require } from './attack.ts';
import type { Target } from './target.ts';

const MIB = 1024 * 1024;
/** The chart's default, and that of the functions. */
const CONTAINER_MIB = 512;
/** Has the kernel begin a new peak (proc_pid_clear_refs(5)). */
const RESET_PEAK = '5';

/** Notes the peak of each. @throws Broken when one would not have fitted its container; NotHere */
export async function withinContainer(
  target: Target,
  pids: Readonly<Record<string, number>>,
  run: () => Promise<unknown>,
): Promise<void> {
  for (const pid of Object.values(pids)) await resetPeak(pid);
  await run();
  const peaks: [string, number][] = [];
  for (const [name, pid] of Object.entries(pids)) peaks.push([name, await peakMib(pid)]);
  target.note(peaks.map(([name, mib]) => `${name} up to ${mib.toFixed(0)} MiB`).join(', '));
  for (const [name, mib] of peaks)
    require(mib <
      CONTAINER_MIB, `${name} took ${mib.toFixed(0)} MiB of the ${CONTAINER_MIB} of its container`);
}

export const agentPids = (target: Target): Record<string, number> =>
  Object.fromEntries(target.addresses.agents.map(({ pid }, i) => [`agent ${i}`, pid]));

async function resetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, RESET_PEAK).catch((error: unknown) => {
    throw new NotHere(`no peaks of memory are told here: ${String(error)}`);
  });
}

/** What it has held at most since it began, or since its peak was reset. @throws Broken when it has ended */
export async function peakMib(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  require(kib !== undefined, `the process ${pid} has ended`);
  return (Number(kib) * 1024) / MIB;
}
