// A process that runs seeds for somebody: takes orders over its channel, one at a time, and answers with what came of them.

import { type RunResult, simulate } from './simulate.ts';

export interface Order {
  readonly seed: number;
  readonly changes: number;
}

// Errors are thrown by the thousand here, and nobody reads where.
Error.stackTraceLimit = 0;

process.on('message', (order: Order) => {
  void simulate(order).then((result: RunResult) => process.send?.(result));
});
