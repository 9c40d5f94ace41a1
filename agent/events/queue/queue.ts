// All events of an agent, from decision to delivery: batched, sent, kept on disk while they wait, and dropped only
// where a limit says so, counted. Shared by all SDK keys and all revisions. Knows neither the SDK nor HTTP.

import type { Clock, Random, Timer } from '../../../core/clock.ts';
import { errorFields } from '../../../core/errors.ts';
import type { Log } from '../../../core/log.ts';
import type { DispatcherCounts } from '../../metrics/original-metrics.ts';
import { Batcher } from '../batcher.ts';
import { EventEndpoints } from '../endpoints.ts';
import { type Batch, batchesOf, type EventSink, isOnDisk, type QueuedEvent, sizeOf } from '../event.ts';
import type { Post } from '../post.ts';
import { notKept, undelivered } from '../problems.ts';
import type { Journal } from './journal.ts';
import { LOSS_REASONS, type Losses } from './losses.ts';
import { SpillWriter } from './spill-writer.ts';

/** Limit of the events held in memory, with or without a disk. */
const HELD_BYTES_MAX = 32 * 1024 * 1024;

export interface EventQueueOptions {
  /** Null: where the SDK would send them. */
  readonly url: string | null;
  readonly batchSize: number;
  /** What a batch may hold while events come quickly; not below batchSize. */
  readonly batchSizeMax: number;
  /** Events in memory; what comes beyond waits on disk, or is dropped where there is none. */
  readonly queueSize: number;
  readonly flushIntervalMs: number;
  readonly post: Post;
  /** Null: nothing is kept on disk. */
  readonly journal: Journal | null;
  readonly losses: Losses;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export interface EventStats {
  /** Events since the start, by what became of them. */
  readonly events: Readonly<Record<string, number>>;
  /** Requests since the start. */
  readonly requests: { readonly sent: number; readonly failed: number };
  readonly dispatcher: DispatcherCounts;
  readonly heldCount: number;
  /** Events that a kill would lose now. */
  readonly atRiskCount: number;
  readonly diskCount: number;
  readonly diskBytes: number;
}

export class EventQueue implements EventSink {
  readonly #options: EventQueueOptions;
  readonly #sizeMax: number;
  readonly #batcher: Batcher;
  readonly #spillWriter: SpillWriter | null;
  readonly #endpoints: EventEndpoints;
  readonly #requests = { sent: 0, failed: 0 };
  #givenUp = 0;
  #queued = 0;
  #sent = 0;
  #heldCount = 0;
  #heldBytes = 0;
  #refilling = false;
  #stopping = false;
  #onRequest = () => {};

  constructor(options: EventQueueOptions) {
    const { journal, clock, log } = options;
    this.#options = options;
    // A batch has to fit.
    this.#sizeMax = Math.max(options.queueSize, options.batchSize);
    this.#batcher = new Batcher({ ...options, onBatch: (batch) => this.#endpoints.push(batch) });
    this.#endpoints = this.#createOutlets();
    const onSaved = () => this.#park();
    this.#spillWriter = journal === null ? null : new SpillWriter({ journal, clock, log, onSaved });
  }

  /** Reads events that an earlier process left on disk, in the background. */
  async start(): Promise<void> {
    await this.#spillWriter?.start(() => this.#refill());
  }

  add(url: string, head: string, json: string): void {
    const event = this.#batcher.add(url, head, json, this.#spillWriter?.pass ?? 0);
    this.#queued++;
    this.#heldCount++;
    this.#heldBytes += sizeOf(event);
    this.#spillWriter?.add(event);
    if (this.#heldCount > this.#sizeMax || this.#heldBytes > HELD_BYTES_MAX) this.#relieve();
  }

  /** Sends the events that wait for their batch to fill. */
  flush(): void {
    this.#batcher.flush();
  }

  stats(): EventStats {
    const { losses, journal } = this.#options;
    const lost = Object.fromEntries(LOSS_REASONS.map((reason) => [reason, losses.count(reason)]));
    const { sent, failed } = this.#requests;
    return {
      events: { queued: this.#queued, sent: this.#sent, ...lost },
      requests: this.#requests,
      dispatcher: { sent, retried: failed, givenUp: this.#givenUp, waiting: this.#endpoints.batchCount },
      heldCount: this.#heldCount,
      atRiskCount: this.#spillWriter?.unsavedCount ?? this.#heldCount,
      diskCount: journal?.events ?? 0,
      diskBytes: journal?.bytes ?? 0,
    };
  }

  /** Writes all events to disk, then sends as many as possible; resolves within about `timeoutMs`. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopping = true;
    this.#batcher.flush();
    await this.#spillWriter?.saveAll();
    await this.#drain(timeoutMs);
    const left = this.#endpoints.all().flatMap((endpoint) => endpoint.close());
    for (const batch of left) this.#letGo(batch, 'stopped');
    await this.#spillWriter?.stop();
    this.#options.losses.close();
  }

  #createOutlets(): EventEndpoints {
    const { url, post, clock, random, log } = this.#options;
    return new EventEndpoints(url, {
      ...{ post, clock, random },
      onSent: (batch) => this.#onSent(batch),
      onRefused: (batch) => this.#letGo(batch, 'refused'),
      onGivenUp: () => this.#givenUp++,
      onDown: (to, reason) => log.warn('events.failed', errorFields(undelivered(to, reason))),
      onUp: () => log.info('events.recovered'),
      onRequest: (ok) => {
        this.#requests[ok ? 'sent' : 'failed']++;
        this.#onRequest();
        this.#refill();
      },
    });
  }

  #onSent(batch: Batch): void {
    this.#sent += batch.length;
    for (const event of batch) this.#done(event);
  }

  #done(event: QueuedEvent): void {
    event.done = true;
    this.#spillWriter?.done(event);
    this.#released(event);
  }

  #released(event: QueuedEvent): void {
    this.#heldCount--;
    this.#heldBytes -= sizeOf(event);
  }

  /** Removes a batch from memory. Events on disk stay there alone; others, and all refused ones, are lost. */
  #letGo(batch: Batch, reason: 'memory-full' | 'refused' | 'stopped'): void {
    let lostCount = 0;
    for (const event of batch) {
      if (reason !== 'refused' && isOnDisk(event)) this.#parked(event);
      else {
        this.#done(event);
        lostCount++;
      }
    }
    if (lostCount > 0) this.#options.losses.add(reason, lostCount);
  }

  #parked(event: QueuedEvent): void {
    this.#options.journal?.park(event);
    this.#released(event);
  }

  /** Call when more is in memory than the limits allow: writes events to disk, or drops the oldest. */
  #relieve(): void {
    if (this.#spillWriter === null || !this.#spillWriter.works || this.#heldBytes > HELD_BYTES_MAX)
      this.#dropOldest();
    else this.#spillWriter.hurry();
  }

  /** Frees the events that are also on disk, the youngest first, as the oldest are sent next. */
  #park(): void {
    if (this.#heldCount <= this.#sizeMax) return;
    for (const endpoint of this.#endpoints.all())
      endpoint.offer((batch) => {
        if (this.#heldCount <= this.#sizeMax / 2 || !batch.every(isOnDisk)) return false;
        for (const event of batch) this.#parked(event);
        return true;
      });
    // All that is left waits for its batch to fill, in many lanes.
    if (this.#heldCount > this.#sizeMax) this.#batcher.flush();
  }

  #dropOldest(): void {
    let flushed = false;
    while (this.#heldCount > this.#sizeMax || this.#heldBytes > HELD_BYTES_MAX) {
      const batch = this.#endpoints.takeFirst();
      if (batch !== undefined) this.#letGo(batch, 'memory-full');
      else if (flushed)
        return; // All of it is on its way.
      else {
        this.#batcher.flush();
        flushed = true;
      }
    }
  }

  /** Brings events back from disk as soon as there is room and somewhere to send them. */
  #refill(): void {
    const { journal, log, batchSize } = this.#options;
    if (journal === null || this.#refilling || this.#stopping || !journal.hasParked) return;
    if (this.#heldCount > this.#sizeMax / 4 || this.#endpoints.areDown) return;
    const accepts = (url: string) => this.#endpoints.to(url).healthy;
    this.#refilling = true;
    const onTaken = (events: readonly QueuedEvent[]) => {
      this.#refilling = false;
      this.#heldCount += events.length;
      for (const event of events) this.#heldBytes += sizeOf(event);
      for (const batch of batchesOf(events, batchSize)) this.#endpoints.push(batch);
    };
    const onFailed = (error: unknown) => {
      this.#refilling = false;
      log.error('events.failed', errorFields(notKept(error)));
    };
    journal.take(accepts, Math.ceil(this.#sizeMax / 2)).then(onTaken, onFailed);
  }

  /** Resolves when all events are sent, or none can be. Where a disk keeps them, one try is enough. */
  async #drain(timeoutMs: number): Promise<void> {
    const endpoints = this.#endpoints.all();
    const kept = this.#spillWriter?.works === true;
    const settled = () => endpoints.every((endpoint) => endpoint.idle || endpoint.stuck(!kept));
    for (const endpoint of endpoints) endpoint.hurry();
    if (settled()) return;
    let timer: Timer | null = null;
    await new Promise<void>((resolve) => {
      timer = this.#options.clock.after(timeoutMs, resolve);
      this.#onRequest = () => {
        if (settled()) resolve();
      };
    });
    (timer as Timer | null)?.cancel();
  }
}
