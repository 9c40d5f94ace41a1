// Events by their uuid, an endpoint held by the hand, and a queue around a folder that outlives it.

import { join } from 'node:path';
import type { QueuedEvent } from '../../../agent/events/event.ts';
import type { PostOutcome } from '../../../agent/events/post.ts';
import { EventsFolder } from '../../../agent/events/queue/folder.ts';
import { Journal } from '../../../agent/events/queue/journal.ts';
import { Losses } from '../../../agent/events/queue/losses.ts';
import { EventQueue, type EventQueueOptions } from '../../../agent/events/queue/queue.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { MemoryLog } from '../support/fakes.ts';

export const URL_US = 'http://us.example/v1/events';
export const URL_EU = 'http://eu.example/v1/events';
export const headOf = (revision: number, projectId = '10001'): string =>
  JSON.stringify({ account_id: '1', project_id: projectId, revision: String(revision) });

export const eventJson = (uuid: string): string =>
  JSON.stringify({ visitor_id: `user of ${uuid}`, attributes: [], snapshots: [{ events: [{ uuid }] }] });

interface Body {
  readonly revision: string;
  readonly visitors: readonly { readonly snapshots: readonly { readonly events: { uuid: string }[] }[] }[];
}

export const uuidsOf = (body: string): string[] =>
  (JSON.parse(body) as Body).visitors.flatMap(({ snapshots }) =>
    snapshots.flatMap(({ events }) => events.map(({ uuid }) => uuid)),
  );

export const queuedEvent = (uuid: string, lane = { url: URL_US, head: headOf(1) }): QueuedEvent => ({
  ...{ lane, json: eventJson(uuid), pass: 0, place: null, done: false },
});

/** An endpoint that takes, refuses or fails as it is told. */
export class FakeEndpoint {
  readonly requests: { readonly url: string; readonly uuids: readonly string[]; readonly body: string }[] =
    [];
  readonly taken: string[] = [];
  /** What to answer; asked for every request. */
  answer: (uuids: readonly string[], url: string) => PostOutcome | Promise<PostOutcome> = () => ({
    kind: 'sent',
  });

  post = async (url: string, body: string): Promise<PostOutcome> => {
    const uuids = uuidsOf(body);
    this.requests.push({ url, uuids, body });
    const outcome = await this.answer(uuids, url);
    if (outcome.kind === 'sent') this.taken.push(...uuids);
    return outcome;
  };

  isDown(down: boolean): void {
    this.answer = () => (down ? { kind: 'failed', reason: 'down' } : { kind: 'sent' });
  }
}

export interface QueueOptions extends Partial<EventQueueOptions> {
  /** Where to keep events; none: in memory alone. */
  readonly dir?: string;
  readonly pid?: number;
  readonly diskBytesMax?: number;
}

export function createQueue(endpoint: FakeEndpoint, options: QueueOptions = {}) {
  const clock = new ManualClock();
  const log = new MemoryLog();
  const losses = new Losses({ clock, log });
  const { dir, pid = 1_000_000_001, diskBytesMax = 1024 * 1024, ...rest } = options;
  const journal =
    dir === undefined ? null : createJournal(dir, { pid, bytesMax: diskBytesMax, losses, clock });
  const queue = new EventQueue({
    ...{
      url: null,
      batchSize: 3,
      batchSizeMax: options.batchSize ?? 3,
      queueSize: 100,
      flushIntervalMs: 30_000,
      post: endpoint.post,
    },
    ...{ journal, losses, clock, random: () => 0.5, log },
    ...rest,
  });
  return { queue, journal, clock, log };
}

export function createJournal(
  dir: string,
  options: { pid?: number; bytesMax?: number; losses?: Losses; clock?: ManualClock } = {},
): Journal {
  const { pid = 1_000_000_001, bytesMax = 1024 * 1024, losses, clock = new ManualClock() } = options;
  const nowMs = () => clock.nowMs();
  return new Journal({
    folder: new EventsFolder(join(dir, 'events'), { host: 'here', pid }, () => Date.now()),
    ...{ bytesMax, nowMs },
    onLost: (count, why) => losses?.add(why, count),
  });
}
