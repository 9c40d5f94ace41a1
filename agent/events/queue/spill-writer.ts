// Decides when events go to disk: those that were not delivered soon, and all of them when memory or time runs out.
// While the endpoint answers quickly, hardly any event is written. Does not know endpoints.

import type { Clock, Timer } from '../../../core/clock.ts';
import { errorFields } from '../../../core/errors.ts';
import type { Log } from '../../../core/log.ts';
import { isOnDisk, type QueuedEvent } from '../event.ts';
import { notKept } from '../problems.ts';
import { OWNER_BEAT_MS } from './folder.ts';
import type { Journal } from './journal.ts';

/** Time between passes. An event that is not delivered at its second pass is written: a SIGKILL loses at most twice this time. */
export const SAVE_INTERVAL_MS = 100;
/** Time without writes after the disk has failed. */
const RETRY_MS = 5_000;

export interface SpillWriterOptions {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Log;
  readonly onSaved: () => void;
}

export class SpillWriter {
  readonly #options: SpillWriterOptions;
  #unsaved: QueuedEvent[] = [];
  #writing: readonly QueuedEvent[] = [];
  #pass = 0;
  #timer: Timer | null = null;
  #beat: Timer | null = null;
  #saving: Promise<void> | null = null;
  #hurried = false;
  #works = true;
  #stopped = false;

  constructor(options: SpillWriterOptions) {
    this.#options = options;
  }

  /** Stamp for new events. */
  get pass(): number {
    return this.#pass;
  }

  /** Events that are neither done nor on disk. */
  get unsavedCount(): number {
    const unsaved = (events: readonly QueuedEvent[]) =>
      events.filter((event) => !event.done && event.place === null).length;
    return unsaved(this.#unsaved) + unsaved(this.#writing);
  }

  /** False from a failure of the disk to the next success. */
  get works(): boolean {
    return this.#works;
  }

  /** Finds what was left on disk, now and whenever another agent is gone. */
  async start(onFound: () => void): Promise<void> {
    const { journal, clock } = this.#options;
    const look = async (what: () => Promise<void>) => {
      await what().catch((error) => this.#failed(error));
      if (this.#stopped) return;
      onFound();
      this.#beat = clock.after(OWNER_BEAT_MS, () => void look(() => journal.beat()));
    };
    await look(() => journal.open());
  }

  add(event: QueuedEvent): void {
    this.#unsaved.push(event);
    if (this.#timer === null) this.#schedule();
  }

  done(event: QueuedEvent): void {
    this.#options.journal.done(event);
    if (this.#timer === null && isOnDisk(event)) this.#schedule();
  }

  /** Call when memory is short: saves as soon as possible. */
  hurry(): void {
    this.#hurried = true;
    if (this.#saving === null) void this.#save(true);
  }

  /** Writes all events that are not on disk yet. Resolves after the attempt, also where it failed. */
  async saveAll(): Promise<void> {
    if (this.#saving !== null) await this.#saving;
    await this.#save(true);
  }

  /** Marks the events that were sent, and leaves the folder for the next process to take over. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#beat?.cancel();
    await this.#saving;
    await this.#options.journal.close().catch((error) => this.#failed(error));
  }

  #save(all: boolean): Promise<void> {
    this.#saving ??= this.#write(all).finally(() => {
      this.#saving = null;
      this.#timer?.cancel();
      this.#timer = null;
      this.#options.onSaved();
      if (this.#hurried && this.#works) void this.#save(true);
      else if (this.#unsaved.length > 0 || this.#options.journal.hasMarks) this.#schedule();
    });
    return this.#saving;
  }

  async #write(all: boolean): Promise<void> {
    const { journal } = this.#options;
    const due: QueuedEvent[] = [];
    const young: QueuedEvent[] = [];
    for (const event of this.#unsaved)
      if (!event.done) (all || event.pass < this.#pass ? due : young).push(event);
    this.#unsaved = young;
    this.#writing = due;
    this.#hurried = false;
    this.#pass++;
    try {
      if (due.length > 0) await journal.write(due);
      await journal.tidy();
      this.#works = true;
    } catch (error) {
      this.#unsaved = [...due.filter((event) => event.place === null), ...this.#unsaved];
      this.#failed(error);
    }
    this.#writing = [];
  }

  #failed(error: unknown): void {
    if (this.#works) this.#options.log.error('events.failed', errorFields(notKept(error)));
    this.#works = false;
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#timer = this.#options.clock.after(this.#works ? SAVE_INTERVAL_MS : RETRY_MS, () => {
      this.#timer = null;
      void this.#save(false);
    });
  }
}
