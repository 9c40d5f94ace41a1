// The clock on the wall as the parts are handed it. Made by the entries, who alone may read the time.

import { type Clock, timerDelayMs } from '../core/clock.ts';

/** @param nowMs milliseconds since the epoch, `Date.now` */
export const realClock = (nowMs: () => number): Clock => ({
  nowMs,
  after: (delayMs, run) => {
    const timer = setTimeout(run, timerDelayMs(delayMs));
    return { cancel: () => clearTimeout(timer) };
  },
});
