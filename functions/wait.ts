// Doing several things with an end: jittered pauses between attempts, and many at a time. Works on the clock that it is handed.

import type { Clock, Random } from '../core/clock.ts';
import { sleep } from '../core/clock.ts';

/** Full jitter: uniform below a bound that doubles with each attempt (0, 1, 2 …) up to `boundMaxMs`. */
export function pause(
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  attempt: number,
  boundFirstMs: number,
  boundMaxMs: number,
): Promise<void> {
  return sleep(clock, random() * Math.min(boundMaxMs, boundFirstMs * 2 ** attempt));
}

/** Runs `work` on every item, at most `parallelMax` at a time; each item's fate is reported, none stops the others. */
export async function settleEach<T, R>(
  items: readonly T[],
  parallelMax: number,
  work: (item: T) => Promise<R>,
): Promise<PromiseSettledResult<R>[]> {
  const results = new Array<PromiseSettledResult<R>>(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const i = next++;
      [results[i]] = (await Promise.allSettled([work(items[i] as T)])) as [PromiseSettledResult<R>];
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallelMax, items.length) }, worker));
  return results;
}
