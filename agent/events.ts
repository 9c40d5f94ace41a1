// The agent's events, wired: the SDK hands them over one by one, the queue batches, sends and keeps them.

import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Clock, Random } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { EventSettings } from './config/config.ts';
import { createPoster, type Poster } from './events/post.ts';
import { EventsFolder } from './events/queue/folder.ts';
import { Journal } from './events/queue/journal.ts';
import { Losses } from './events/queue/losses.ts';
import { EventQueue } from './events/queue/queue.ts';

const FOLDER = 'events';
/** How long the last events may take to be sent. */
export const FLUSH_TIMEOUT_MS = 5_000;

export interface EventsDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export interface Events {
  readonly queue: EventQueue;
  /** Events that were lost on their way to the queue. */
  lost(count: number): void;
  /** Brings all to the endpoint or to disk; resolves within about `timeoutMs`. */
  stop(timeoutMs: number): Promise<void>;
}

/** @param cacheDir null keeps nothing on disk */
export function createEvents(settings: EventSettings, cacheDir: string | null, deps: EventsDeps): Events {
  const { clock } = deps;
  const nowMs = () => clock.nowMs();
  const losses = new Losses(deps);
  const poster: Poster = createPoster(clock);
  const { diskBytesMax: bytesMax } = settings;
  const journal =
    cacheDir === null || bytesMax === 0
      ? null
      : new Journal({
          folder: new EventsFolder(join(cacheDir, FOLDER), { host: hostname(), pid: process.pid }, nowMs),
          ...{ bytesMax, nowMs },
          onLost: (count, why) => losses.add(why, count),
        });
  const queue = new EventQueue({ ...settings, ...deps, post: poster.post, journal, losses });
  return {
    queue,
    lost: (count) => losses.add('memory-full', count),
    stop: async (timeoutMs) => {
      await queue.stop(timeoutMs);
      poster.close();
    },
  };
}
