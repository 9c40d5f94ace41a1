// The real clock, for the entries of the local stack.

import { realClock } from '../../../io/real-clock.ts';

export const systemClock = realClock(Date.now);
