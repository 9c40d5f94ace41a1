// Decision notifications between workers, and between them and the bus: in the primary each worker is a subscriber beside
// the bus. Knows subjects, not what is said under them.

import type { NotificationChannel } from '../datafiles/sources/side-channel.ts';
import type { LiveWorker } from './live-worker.ts';
import type { NotificationMessage } from './messages.ts';

interface Subject {
  readonly workers: Set<LiveWorker>;
  /** Ends the subscription on the bus. */
  readonly unsubscribe: () => void;
}

export class NotificationExchange {
  readonly #bus: NotificationChannel | null;
  readonly #workers: () => readonly LiveWorker[];
  readonly #subjects = new Map<string, Subject>();

  /** @param bus null: the workers alone hear each other */
  constructor(bus: NotificationChannel | null, workers: () => readonly LiveWorker[]) {
    this.#bus = bus;
    this.#workers = workers;
    bus?.onUp(() => this.#linkUp(null));
  }

  /** The other workers repeat their wishes, so that the new worker knows them. */
  joined(worker: LiveWorker): void {
    this.#linkUp(worker);
  }

  gone(worker: LiveWorker): void {
    for (const subject of [...this.#subjects.keys()]) this.unsubscribe(worker, subject);
  }

  subscribe(worker: LiveWorker, subject: string): void {
    let known = this.#subjects.get(subject);
    if (known === undefined) {
      const workers = new Set<LiveWorker>();
      const hear = (payload: Uint8Array) => tell(workers, { subject, payload }, null);
      known = { workers, unsubscribe: this.#bus?.subscribe(subject, hear) ?? (() => {}) };
      this.#subjects.set(subject, known);
    }
    known.workers.add(worker);
  }

  unsubscribe(worker: LiveWorker, subject: string): void {
    const known = this.#subjects.get(subject);
    if (!known?.workers.delete(worker) || known.workers.size > 0) return;
    known.unsubscribe();
    this.#subjects.delete(subject);
  }

  publish(from: LiveWorker, note: NotificationMessage): void {
    tell(this.#subjects.get(note.subject)?.workers ?? [], note, from);
    this.#bus?.publish(note.subject, note.payload);
  }

  /** Resolves when the bus has dealt with what was published. May never resolve. */
  async settled(): Promise<void> {
    await this.#bus?.settled();
  }

  #linkUp(except: LiveWorker | null): void {
    for (const worker of this.#workers()) if (worker !== except) worker.peer.tell('linkUp', null);
  }
}

function tell(workers: Iterable<LiveWorker>, note: NotificationMessage, except: LiveWorker | null): void {
  for (const worker of workers) if (worker !== except) worker.peer.tell('note', note);
}
