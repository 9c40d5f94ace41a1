// One endpoint: sends its ready requests, a few at a time, and backs off while the endpoint is down. Knows
// nothing of disk or of how batches are made.

import type { Clock, Random, Timer } from '../../core/clock.ts';
import { type Batch, bodyOf } from './event.ts';
import { type Post, type PostOutcome, REQUESTS_MAX } from './post.ts';

const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 10_000;
const GIVEN_UP_AFTER = 4;
/** Longest back-off while the agent stops: with LAST_TRIES enough for a short failure, not for an outage. */
const LAST_BACKOFF_MS = 250;
const LAST_TRIES = 3;
/** Each wait is spread by this share to both sides, so that a fleet does not come back in step. */
const JITTER_SHARE = 0.2;

export interface EventEndpointOptions {
  readonly url: string;
  readonly post: Post;
  readonly clock: Clock;
  readonly random: Random;
  readonly onSent: (batch: Batch) => void;
  readonly onRefused: (batch: Batch, reason: string) => void;
  /** After this many failures in a row the original gives up until the next event; here the endpoint is asked on. */
  readonly onGivenUp: () => void;
  readonly onDown: (url: string, reason: string) => void;
  readonly onUp: () => void;
  /** After each request, when all else is told. */
  readonly onRequest: (ok: boolean) => void;
}

export class EventEndpoint {
  readonly #options: EventEndpointOptions;
  readonly #ready: Batch[] = [];
  readonly #sending = new Set<Batch>();
  #failures = 0;
  #backoffMaxMs = BACKOFF_MAX_MS;
  #retry: Timer | null = null;
  #closed = false;

  constructor(options: EventEndpointOptions) {
    this.#options = options;
  }

  get url(): string {
    return this.#options.url;
  }

  /** False from a failure to the next success. */
  get healthy(): boolean {
    return this.#failures === 0;
  }

  get idle(): boolean {
    return this.batchCount === 0;
  }

  /** Requests that are ready to be sent, or under way. */
  get batchCount(): number {
    return this.#sending.size + this.#ready.length;
  }

  /** True when the agent can only wait for the endpoint: after one failed try, or with `patient` after LAST_TRIES. */
  stuck(patient: boolean): boolean {
    const enough = this.#retry !== null && this.#failures >= (patient ? LAST_TRIES : 1);
    return this.#sending.size === 0 && enough;
  }

  push(batch: Batch): void {
    this.#ready.push(batch);
    if (this.#ready.length === 1 && !this.#closed) queueMicrotask(() => this.#pump());
  }

  /** Offers the ready requests, the youngest first, and drops those that `take` accepts. */
  offer(take: (batch: Batch) => boolean): void {
    const kept: Batch[] = [];
    for (let batch = this.#ready.pop(); batch !== undefined; batch = this.#ready.pop()) {
      const isLast = kept.length === 0 && this.#ready.length === 0;
      if ((isLast && !this.healthy) || !take(batch)) kept.push(batch);
    }
    this.#ready.push(...kept.reverse());
  }

  /** Gives back the batch that has waited longest. */
  takeFirst(): Batch | undefined {
    // Without a request to try, an endpoint that is down would stay down for ever.
    return this.healthy || this.#ready.length > 1 ? this.#ready.shift() : undefined;
  }

  /** Call when the agent stops: sends at once the requests that wait for the back-off, and tries again soon. */
  hurry(): void {
    this.#backoffMaxMs = LAST_BACKOFF_MS;
    this.#retry?.cancel();
    this.#retry = null;
    this.#pump();
  }

  /** Sends nothing more, and returns the requests that were not sent. Requests in flight no longer count. */
  close(): Batch[] {
    this.#closed = true;
    this.#retry?.cancel();
    return [...this.#sending, ...this.#ready.splice(0)];
  }

  #pump(): void {
    // While the endpoint is down, one request at a time finds out whether it is back.
    const most = this.healthy ? REQUESTS_MAX : 1;
    while (this.#sending.size < most && this.#retry === null && !this.#closed) {
      const batch = this.#ready.shift();
      if (batch === undefined) return;
      this.#sending.add(batch);
      void this.#options.post(this.url, bodyOf(batch)).then((outcome) => this.#posted(batch, outcome));
    }
  }

  #posted(batch: Batch, outcome: PostOutcome): void {
    this.#sending.delete(batch);
    if (this.#closed) return;
    if (outcome.kind === 'failed') this.#failed(batch, outcome.reason);
    else {
      if (!this.healthy) {
        this.#failures = 0;
        this.#options.onUp();
      }
      if (outcome.kind === 'sent') this.#options.onSent(batch);
      else this.#refused(batch, outcome.reason);
    }
    this.#pump();
    this.#options.onRequest(outcome.kind === 'sent');
  }

  #failed(batch: Batch, reason: string): void {
    this.#ready.unshift(batch);
    // Further failures of requests that were in flight at the same time say nothing new.
    if (this.#retry !== null) return;
    this.#failures++;
    if (this.#failures % GIVEN_UP_AFTER === 0) this.#options.onGivenUp();
    if (this.#failures === 1) this.#options.onDown(this.url, reason);
    const waitMs = Math.min(BACKOFF_FIRST_MS * 2 ** Math.min(this.#failures - 1, 20), this.#backoffMaxMs);
    const spread = 1 + JITTER_SHARE * (2 * this.#options.random() - 1);
    this.#retry = this.#options.clock.after(Math.round(waitMs * spread), () => {
      this.#retry = null;
      this.#pump();
    });
  }

  /** Halves a refused request until the one event that the endpoint refuses is found, so that the others are not lost. */
  #refused(batch: Batch, reason: string): void {
    if (batch.length === 1) {
      this.#options.onGivenUp();
      this.#options.onRefused(batch, reason);
      return;
    }
    const middle = batch.length >> 1;
    this.#ready.unshift(batch.slice(0, middle), batch.slice(middle));
  }
}
