// How the commands of the local stack end: by Ctrl-C, by a signal, or because the process that started them is gone.

import { readFileSync } from 'node:fs';
import { progress } from './cli.ts';

const PARENT_CHECK_MS = 1_000;

/**
 * Calls `stop` once, at the first of SIGINT, SIGTERM, SIGHUP and the parent's end, then exits with 0. A second signal
 * exits at once; the reaper then does the rest.
 */
export function stopOnExit(stop: () => Promise<void>): void {
  let stopping = false;
  const begin = (why: string) => {
    if (stopping) process.exit(1);
    stopping = true;
    progress(`${why}: stopping …`);
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        progress(`could not stop cleanly: ${String(error)}`);
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => begin(signal));
  onParentGone(() => {
    if (!stopping) begin('the process that started this is gone');
  });
}

/**
 * npm that is killed outright tells no child, and of a signal it tells only the shell that it runs scripts in; its children are
 * then given to another parent.
 */
export function onParentGone(told: () => void): void {
  const before = parents();
  setInterval(() => {
    if (parents() !== before) told();
  }, PARENT_CHECK_MS).unref();
}

/** The parent, and under npm its parent too: between npm and its script there may be a shell that outlives npm. */
function parents(): string {
  const parent = process.ppid;
  if (process.env.npm_lifecycle_event === undefined) return String(parent);
  try {
    return `${parent} ${/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${parent}/status`, 'utf8'))?.[1]}`;
  } catch {
    return String(parent); // No /proc on this system.
  }
}
