// The few figures a bench reports. Nearest rank, no interpolation: every figure is one that was measured.

export interface Summary {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** The smallest value that at least `fraction` (0…1) of all values do not exceed; NaN for none. */
export function percentile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = Math.max(1, Math.ceil(fraction * sorted.length));
  return sorted[rank - 1] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);

export function summarise(values: readonly number[]): Summary {
  return {
    count: values.length,
    p50: median(values),
    p99: percentile(values, 0.99),
    max: percentile(values, 1),
  };
}
