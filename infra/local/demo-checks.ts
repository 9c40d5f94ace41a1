// What the demo asks the agents and the record, to believe only what it sees.

import { toSdkKey } from '../../core/ids.ts';
import { manifestKey } from '../../core/record/names.ts';
import type { StackAddresses } from './stack/options.ts';

const POLL_MS = 25;

/** What each agent says of the bus: `available` or `unavailable`. */
export function busStates({ agents }: StackAddresses): Promise<string[]> {
  return Promise.all(
    agents.map(async ({ api }) => {
      const response = await fetch(`${api}/health`);
      const { bus } = (await response.json()) as { bus: { state: string } };
      return bus.state;
    }),
  );
}

/** The ETag of the key's manifest: it changes with every move. Reads the stand-in without credentials. */
export async function recordState({ s3, sdkKey }: StackAddresses): Promise<string> {
  const path = manifestKey(toSdkKey(sdkKey)).split('/').map(encodeURIComponent).join('/');
  const response = await fetch(`${s3.endpoint}/${s3.bucket}/${path}`, { method: 'HEAD' });
  const etag = response.headers.get('etag');
  if (!response.ok || etag === null)
    throw new Error(`the manifest of ${sdkKey} cannot be read: ${response.status}`);
  return etag;
}

/** Throws with what was waited for when it does not come true in time. */
export async function untilTrue(
  what: string,
  timeoutMs: number,
  question: () => Promise<boolean>,
): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!(await question())) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${timeoutMs / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
