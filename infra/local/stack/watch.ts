// How long a change takes to be seen: every agent is asked for a decision again and again, by one request at a time,
// until it has turned round.

import type { DatafileJson } from '../optimizely/datafile.ts';
import { type Decision, decide, putFlip, sendWebhook } from './client.ts';
import type { StackAddresses } from './options.ts';

/** Gentle enough to leave the agents their cores. */
const POLL_MS = 5;

interface WatchedAgent {
  readonly api: string;
  /** The decision before the change. */
  readonly before: Decision;
}

export interface Seen {
  readonly api: string;
  /** Since the webhook was sent; null when it was not seen in time. */
  readonly ms: number | null;
  readonly decision: Decision;
}

export interface SeenFlip {
  readonly datafile: DatafileJson;
  readonly webhookStatus: number;
  readonly seen: readonly Seen[];
}

/** Flips a flag as the app would (CDN first, then the webhook) and waits until every agent has followed, or the time is up. */
export async function flipAndWatch(
  addresses: StackAddresses,
  flagKey: string,
  timeoutMs: number,
): Promise<SeenFlip> {
  const { sdkKey, agents } = addresses;
  const before = await decisionsOf(
    agents.map(({ api }) => api),
    sdkKey,
    flagKey,
  );
  const datafile = await putFlip(addresses, sdkKey, flagKey);
  const watched = watchDecisions(before, sdkKey, flagKey, timeoutMs);
  const [response, seen] = await Promise.all([sendWebhook(addresses, datafile), watched]);
  await response.arrayBuffer();
  return { datafile, webhookStatus: response.status, seen };
}

/** The decisions that a change is to be told from. */
async function decisionsOf(
  apis: readonly string[],
  sdkKey: string,
  flagKey: string,
): Promise<WatchedAgent[]> {
  return Promise.all(apis.map(async (api) => ({ api, before: await decide(api, sdkKey, flagKey) })));
}

function watchDecisions(
  agents: readonly WatchedAgent[],
  sdkKey: string,
  flagKey: string,
  timeoutMs: number,
): Promise<Seen[]> {
  const startMs = performance.now();
  const watchOne = async ({ api, before }: WatchedAgent): Promise<Seen> => {
    for (;;) {
      const decision = await decide(api, sdkKey, flagKey);
      const ms = performance.now() - startMs;
      if (decision.enabled !== before.enabled) return { api, ms, decision };
      if (ms > timeoutMs) return { api, ms: null, decision };
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  };
  return Promise.all(agents.map(watchOne));
}
