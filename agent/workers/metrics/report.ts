// What the primary says of its workers. Only shapes.

export type WorkerState =
  | 'starting' // until it listens
  | 'serving'
  | 'stopping';

export interface WorkerStatus {
  /** 1 to the number of workers; a worker that replaces a dead one has the same number. */
  readonly worker: number;
  /** Null while there is none: it died, and the next one is not due yet. */
  readonly pid: number | null;
  readonly state: WorkerState | 'dead';
  /** Times that it had to be started again. */
  readonly restarts: number;
  /** SDK keys of which it does not serve what the agent has accepted. */
  readonly behind: readonly string[];
}

export interface WorkersReport {
  readonly wanted: number;
  readonly serving: number;
  /** Workers since the start that were ended because they did not answer any more. */
  readonly frozen: number;
  /** At least one serves, and all that serve have enough to: see isEnough(). */
  readonly ready: boolean;
  /** All of them serve what the agent has accepted. */
  readonly whole: boolean;
  readonly all: readonly WorkerStatus[];
}
