// An endpoint of events that remembers what it was sent.

import { onTestFinished } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { startHttp } from './http.ts';

export async function createInMemoryEvents() {
  const { url, seen, close } = await startHttp(() => ({ status: 204 }));
  onTestFinished(close);
  /** Bodies of the batches, once there are at least so many. */
  const received = (count: number) =>
    eventually(`${count} batches of events`, () =>
      seen.length >= count ? seen.map(({ body }) => body) : undefined,
    );
  return { url, received };
}
