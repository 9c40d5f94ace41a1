// Millions of durations in little memory: counted in steps of 2%, so that a percentile is right to 2%.

const STEP = 1.02;
const LEAST_MS = 0.01;

export class Histogram {
  readonly #counts: number[] = [];
  count = 0;
  max = 0;

  add(ms: number): void {
    const step = Math.max(0, Math.ceil(Math.log(ms / LEAST_MS) / Math.log(STEP)));
    this.#counts[step] = (this.#counts[step] ?? 0) + 1;
    this.count++;
    if (ms > this.max) this.max = ms;
  }

  /** The end of the step that the nearest rank falls into; NaN for none. */
  percentile(fraction: number): number {
    let left = Math.max(1, Math.ceil(fraction * this.count));
    for (const [step, count] of this.#counts.entries()) {
      left -= count ?? 0;
      if (left <= 0 && this.count > 0) return Math.min(this.max, LEAST_MS * STEP ** step);
    }
    return Number.NaN;
  }
}
