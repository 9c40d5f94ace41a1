// How many workers there are where the operator does not say: one for each core, as far as memory goes. Pure.

/** What the process may use of its machine or container. */
export interface Machine {
  readonly cores: number;
  /** Infinity where nothing limits it. */
  readonly memoryBytes: number;
}

/** One process more costs memory for certain and helps only under load: beyond this it has to be asked for. */
export const DEFAULT_WORKERS_MAX = 4;
/** Of one worker under load with a large datafile or two; the primary takes about as much. */
export const WORKER_BYTES = 160 * 1024 * 1024;

/** A machine that says nothing of itself. */
export const SMALLEST: Machine = { cores: 1, memoryBytes: 0 };

/**
 * An image that replaces another one must not outgrow the memory that was enough for that one: a container of 512 MB gets
 * two workers however many cores it may use, one of 256 MB a single process.
 */
export function defaultWorkers({ cores, memoryBytes }: Machine): number {
  const byMemory = Math.floor(memoryBytes / WORKER_BYTES) - 1;
  return Math.max(1, Math.min(cores, byMemory, DEFAULT_WORKERS_MAX));
}
