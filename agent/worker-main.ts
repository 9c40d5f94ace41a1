// The program of a worker process: clock and randomness in. Beside main.ts and not in it, as a worker needs neither S3 nor
// the bus and should not load them.

import '../io/compile-early.ts';
import { timerDelayMs } from '../core/clock.ts';
import { requireOutboundRoute } from '../io/outbound-route.ts';
import { limitHeap } from './process/heap.ts';
import { runWorker } from './workers/run.ts';

requireOutboundRoute(process.env);
runWorker({
  clock: {
    nowMs: () => Date.now(),
    after: (delayMs, run) => {
      const timer = setTimeout(run, timerDelayMs(delayMs));
      return { cancel: () => clearTimeout(timer) };
    },
  },
  random: Math.random,
  monotonicMs: () => performance.now(),
  onSwapped: limitHeap(),
});
