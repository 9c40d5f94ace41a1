// What one check of `npm run verify` found.

export interface CheckOutcome {
  readonly passed: number;
  readonly failed: number;
  /** What to read when something failed; empty otherwise. */
  readonly output: string;
}
