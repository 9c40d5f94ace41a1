// The trace of a run, one line for each step. The last lines are kept for the developer of a failed seed, and all of them go
// into one number, so that two runs of a seed can be compared. Knows nothing of what the lines are about.

export interface TraceLine {
  readonly atMs: number;
  readonly actor: string;
  /** SDK key that the step is about; empty for all. */
  readonly about: string;
  readonly text: string;
}

const LINES_KEPT_MAX = 20_000;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

export class Trace {
  #lines: TraceLine[] = [];
  #hash = FNV_OFFSET;
  #count = 0;
  readonly #onLine: ((line: TraceLine) => void) | null;

  constructor(onLine: ((line: TraceLine) => void) | null = null) {
    this.#onLine = onLine;
  }

  add(line: TraceLine): void {
    this.#count++;
    this.#mix(line.atMs);
    for (let i = 0; i < line.actor.length; i++) this.#mix(line.actor.charCodeAt(i));
    for (let i = 0; i < line.text.length; i++) this.#mix(line.text.charCodeAt(i));
    this.#lines.push(line);
    if (this.#lines.length > 2 * LINES_KEPT_MAX) this.#lines = this.#lines.slice(-LINES_KEPT_MAX);
    this.#onLine?.(line);
  }

  get count(): number {
    return this.#count;
  }

  /** Of every line so far. */
  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0');
  }

  /** The last lines about this key, or about all keys. */
  last(count: number, about: string | null): TraceLine[] {
    const lines = about === null ? this.#lines : this.#lines.filter((line) => isAbout(line, about));
    return lines.slice(-count);
  }

  #mix(value: number): void {
    this.#hash = Math.imul(this.#hash ^ value, FNV_PRIME);
  }
}

const isAbout = (line: TraceLine, about: string): boolean => line.about === '' || line.about === about;

export function formatLine({ atMs, actor, about, text }: TraceLine, startMs: number): string {
  const seconds = ((atMs - startMs) / 1_000).toFixed(3).padStart(9);
  return `${seconds}s  ${actor.padEnd(12)} ${about === '' ? '' : `${about.slice(0, 6)}  `}${text}`;
}
