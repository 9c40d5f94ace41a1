// Outlives the stack by a moment, to end what it left behind. Reads `+pid`, `-pid` and `dir <path>` lines; when its input
// ends, however the stack died, it ends those processes and removes those folders. Run as a process by reaper-client.ts.

import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';

const GRACE_MS = 3_000;
const CHECK_MS = 50;

const pids = new Set<number>();
const dirs = new Set<string>();

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  if (line.startsWith('+')) pids.add(Number(line.slice(1)));
  else if (line.startsWith('-')) pids.delete(Number(line.slice(1)));
  else if (line.startsWith('dir ')) dirs.add(line.slice('dir '.length));
});
lines.on('close', () => reap(Date.now() + GRACE_MS, 'SIGTERM'));

function reap(deadlineMs: number, signal: NodeJS.Signals): void {
  for (const pid of pids) if (!send(pid, signal)) pids.delete(pid);
  if (pids.size === 0) {
    for (const dir of dirs) rmSync(dir, { recursive: true, force: true });
    return;
  }
  // Asked once, then watched, then ended; a process that is stopped (SIGSTOP) hears only SIGKILL.
  const overdue = Date.now() > deadlineMs;
  setTimeout(() => reap(deadlineMs, overdue ? 'SIGKILL' : ('SIGCONT' as const)), CHECK_MS);
}

function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false; // Gone already, which is what was wanted.
  }
}
