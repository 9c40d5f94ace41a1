// A process that runs seeds for its parent: takes orders over its channel, one at a time, and answers with what came of them.

import { type RunResult, simulate } from './simulate.ts';

export interface Order {
  readonly seed: number;
  readonly changes: number;
}

/** What it says: changes that are done, and at last what came of the seed. */
export type Told = { readonly changes: number } | { readonly result: RunResult };

const CHANGES_TOLD = 100;

// Errors are thrown by the thousand here, and their stacks are not read.
Error.stackTraceLimit = 0;

process.on('message', (order: Order) => {
  let changes = 0;
  const onChange = () => {
    if (++changes % CHANGES_TOLD === 0) process.send?.({ changes: CHANGES_TOLD } satisfies Told);
  };
  void simulate({ ...order, onChange }).then((result) => process.send?.({ result } satisfies Told));
});
