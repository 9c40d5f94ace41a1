// A clock that stands still until told, where a pause of 0 ms passes by itself, so that loops which pause go on.

import type { Timer } from '../../core/clock.ts';
import { ManualClock } from './manual-clock.ts';

export class FakeClock extends ManualClock {
  override after(delayMs: number, run: () => void): Timer {
    if (delayMs > 0) return super.after(delayMs, run);
    const immediate = setImmediate(run);
    return { cancel: () => clearImmediate(immediate) };
  }
}
