// Starts the reaper (reaper.ts) and tells it what there is to end, should this process die without doing so itself.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Reaper {
  watch(pid: number): void;
  forget(pid: number): void;
  /** A folder to remove when all is over. */
  owns(dir: string): void;
  /** Lets the reaper do now what is left to do, and end. Resolves when it has. */
  close(): Promise<void>;
}

export function startReaper(): Reaper {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./reaper.ts', import.meta.url))], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // Its own session: Ctrl-C and a closing terminal must not reach it.
    detached: true,
  });
  const { stdin } = child;
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  // The reaper was killed from outside. Nothing can be done, and nothing depends on the reaper in a normal shutdown.
  stdin.on('error', () => {});
  child.unref();
  (stdin as unknown as { unref?: () => void }).unref?.();
  return {
    watch: (pid) => void stdin.write(`+${pid}\n`),
    forget: (pid) => void stdin.write(`-${pid}\n`),
    owns: (dir) => void stdin.write(`dir ${dir}\n`),
    close() {
      child.ref();
      stdin.end();
      return ended;
    },
  };
}
