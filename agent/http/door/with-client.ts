// Keeps a client for as long as a request is decided by it: its datafile may be replaced meanwhile, and one answer is made of one
// revision.

import type { FlagClient } from '../../decisions/flag-client.ts';

/** @param work a promise only where it has to wait */
export function withClient<T>(client: FlagClient, work: () => T | Promise<T>): T | Promise<T> {
  client.acquire();
  let isLate = false;
  try {
    const done = work();
    if (!(done instanceof Promise)) return done;
    isLate = true;
    return done.finally(() => client.release());
  } finally {
    if (!isLate) client.release();
  }
}
