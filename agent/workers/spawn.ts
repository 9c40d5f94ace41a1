// Worker processes by node:cluster: they share one API port. Connections are handed out in turn, as few clients with long
// connections would else all end up at one worker. The only file that starts processes; knows nothing of what is said.

import cluster, { type Worker } from 'node:cluster';
import type { Send } from './peer.ts';

export interface Spawned {
  readonly pid: number;
  readonly send: Send;
  /** Closes the channel, at which the worker ends. */
  end(): void;
  kill(): void;
}

export interface SpawnEvents {
  readonly onMessage: (message: unknown) => void;
  /** @param how its exit code or the signal that ended it */
  readonly onExit: (how: string) => void;
}

export type Spawn = (events: SpawnEvents) => Spawned;

/**
 * @param entry the program of the worker
 * @param early how many processes to start at once, before the pool asks for them, as loading takes a while
 */
export function createSpawn(entry: string, early: number): Spawn {
  // Bodies are bytes, which JSON has no room for.
  cluster.setupPrimary({ exec: entry, args: [], serialization: 'advanced' });
  cluster.schedulingPolicy = cluster.SCHED_RR;
  const started = Array.from({ length: early }, () => new WorkerProcess());
  return (events) => (started.shift() ?? new WorkerProcess()).attend(events);
}

class WorkerProcess implements Spawned {
  readonly #worker: Worker = cluster.fork();
  #events: SpawnEvents | null = null;
  #missed: ((events: SpawnEvents) => void)[] = [];

  constructor() {
    this.#closeWhatItLeaves();
    this.#worker.on('message', (message) => this.#tell(({ onMessage }) => onMessage(message)));
    this.#worker.on('exit', (code, signal) =>
      this.#tell(({ onExit }) => onExit(signal ?? `exit code ${code}`)),
    );
    // Of a channel that is closing; the exit follows.
    this.#worker.on('error', () => {});
  }

  get pid(): number {
    return this.#worker.process.pid ?? 0;
  }

  readonly send: Send = (message, sent) => {
    // What cannot be sent any more is told by the exit.
    this.#worker.send(message as object, undefined, () => sent?.());
  };

  attend(events: SpawnEvents): this {
    this.#events = events;
    for (const tell of this.#missed) tell(events);
    this.#missed = [];
    return this;
  }

  end(): void {
    if (this.#worker.isConnected()) this.#worker.process.disconnect();
  }

  kill(): void {
    this.#worker.process.kill('SIGKILL');
  }

  /**
   * A connection sent to a worker that dies before it accepts it has no owner: node:cluster (24) keeps it open for ever,
   * and its client waits. They are sent one at a time, so the last one is the only one that may be left; closing one that
   * was taken does nothing.
   */
  #closeWhatItLeaves(): void {
    const child = this.#worker.process;
    const send = child.send.bind(child) as (...sent: unknown[]) => boolean;
    let last: { close?(): void } | null = null;
    child.send = (...sent: unknown[]): boolean => {
      if (sent[1]) last = sent[1];
      return send(...sent);
    };
    this.#worker.on('exit', () => last?.close?.());
  }

  #tell(tell: (events: SpawnEvents) => void): void {
    if (this.#events === null) this.#missed.push(tell);
    else tell(this.#events);
  }
}
