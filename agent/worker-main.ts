// The program of a worker process: clock and randomness in. Beside main.ts and not in it, as a worker needs neither S3 nor
// the bus and should not load them.

import '../io/compile-early.ts';
import { requireOutboundRoute } from '../io/http/outbound-route.ts';
import { realClock } from '../io/real-clock.ts';
import { Rehearsal } from './decisions/rehearsal.ts';
import { limitHeap } from './process/heap.ts';
import { runWorker } from './workers/run.ts';

requireOutboundRoute(process.env);
const clock = realClock(Date.now);
runWorker({
  clock,
  random: Math.random,
  monotonicMs: () => performance.now(),
  onSwapped: limitHeap(),
  onBegun: (log) => new Rehearsal({ clock, log }).start(),
});
