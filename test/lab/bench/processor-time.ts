// Processor time that other processes have used, from Linux's /proc, exact to the microsecond. Wall clocks of a busy machine say
// little; this says the same however busy it is.

import { readdirSync, readFileSync } from 'node:fs';

const NS_PER_MS = 1e6;

/** Of all threads that a process has now, ms; NaN where the system does not tell. */
export function processorMs(pid: number): number {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    return threads.reduce((sum, thread) => sum + threadMs(pid, thread), 0);
  } catch {
    return Number.NaN;
  }
}

const threadMs = (pid: number, thread: string): number =>
  Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ', 1)[0]) / NS_PER_MS;
