// Requests that arrive together are answered together: those of one pass over the sockets one after another, after the
// last of them was read. Deciding many in a row keeps the processor's caches warm: under load a decision was measured to
// cost a quarter less, answer included. What takes long goes on in later passes, so that others get their answers in between.
// Knows nothing of HTTP.

import { Refused } from './refused.ts';

/** For how long one request, or the large ones of one pass together, may keep the others waiting. */
export const TURN_MS = 8;
/** Requests at a time that need more than one turn. Each keeps what it was sent and what it has made so far. */
export const LONG_MAX = 128;
/** Requests with large bodies that wait for their first turn; of one piece of at most 64 KiB each, or within the bodies' budget. */
export const LARGE_WAITING_MAX = 1_000;

/** Where events go that requests make beside their answers. */
export interface EventRoom {
  /** Many more would have to be dropped. */
  readonly isCrowded: boolean;
  /** Resolves when it is not crowded. */
  room(): Promise<void>;
}

export class Turns {
  readonly #monotonicMs: () => number;
  readonly #events: EventRoom | null;
  #waiting: (() => void)[] = [];
  #large: (() => void)[] = [];
  #continuing: (() => void)[] = [];
  #isScheduled = false;
  #long = 0;
  #startedMs = 0;
  readonly #run = () => this.#runAll();

  /** @param events null: there is always room for them */
  constructor(monotonicMs: () => number, events: EventRoom | null = null) {
    this.#monotonicMs = monotonicMs;
    this.#events = events;
  }

  /** Whether other requests have waited for long enough. */
  get isOver(): boolean {
    return this.#monotonicMs() - this.#startedMs >= TURN_MS;
  }

  /**
   * Whether a request that makes many events has to wait for room: a client that floods an agent with them is slowed down, and
   * the events of others find a place. Not where too many wait already, as no request is refused for its events.
   */
  get isCrowded(): boolean {
    return this.#events?.isCrowded === true && this.#long < LONG_MAX;
  }

  /** Runs `answer`, which must not throw, before the sockets are looked at again. */
  add(answer: () => void): void {
    this.#waiting.push(answer);
    this.#schedule();
  }

  /** Like add(), after the others and only as many in a pass as there is time for. False when too many wait already. */
  addLarge(answer: () => void): boolean {
    if (this.#large.length >= LARGE_WAITING_MAX) return false;
    this.#large.push(answer);
    this.#schedule();
    return true;
  }

  /** Resolves after the others had their turn, and when there is room for events where it makes them. */
  next(makesEvents = false): Promise<void> {
    return new Promise((resolve) => {
      const goOn = () => {
        this.#continuing.push(resolve);
        this.#schedule();
      };
      if (makesEvents && this.#events?.isCrowded) void this.#events.room().then(goOn);
      else goOn();
    });
  }

  /**
   * Work that needs several turns.
   * @throws Refused where too many are under way already
   */
  async long<T>(work: () => Promise<T>): Promise<T> {
    if (this.#long >= LONG_MAX) throw new Refused(503, TOO_MANY);
    this.#long++;
    try {
      return await work();
    } finally {
      this.#long--;
    }
  }

  /**
   * Does `step` for one item after another, within the call where it is fast enough.
   * @param step not called any more when it returns false
   */
  each<T>(items: Iterable<T>, step: (item: T) => unknown): void | Promise<void> {
    const iterator = items[Symbol.iterator]();
    return this.#goOn(iterator, step) ? undefined : this.long(() => this.#rest(iterator, step));
  }

  /** True when all is done. */
  #goOn<T>(iterator: Iterator<T>, step: (item: T) => unknown): boolean {
    while (!this.isOver) {
      const { done, value } = iterator.next();
      if (done || step(value) === false) return true;
    }
    return false;
  }

  async #rest<T>(iterator: Iterator<T>, step: (item: T) => unknown): Promise<void> {
    do await this.next();
    while (!this.#goOn(iterator, step));
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#run);
  }

  #runAll(): void {
    this.#startedMs = this.#monotonicMs();
    this.#isScheduled = false;
    const answers = this.#waiting;
    this.#waiting = [];
    for (const answer of answers) answer();
    if (this.#large.length + this.#continuing.length === 0) return;
    this.#runLong();
    // For those that are left, and those that will wait again.
    this.#schedule();
  }

  #runLong(): void {
    do this.#large.shift()?.();
    while (this.#large.length > 0 && !this.isOver);
    this.#startedMs = this.#monotonicMs();
    this.#goOnWith(this.#continuing.length);
  }

  /** With so many of those that wait, as long as there is time: one at least. */
  #goOnWith(count: number): void {
    if (count === 0) return;
    this.#continuing.shift()?.();
    // After what was waiting for it has used its turn.
    queueMicrotask(() => {
      if (!this.isOver) this.#goOnWith(count - 1);
    });
  }
}

const TOO_MANY = `${LONG_MAX} requests that take long are under way; send this one again in a second`;
