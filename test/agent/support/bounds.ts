// What routes keep to, with the settings' defaults, for tests that call them without an agent.

import { parseConfig } from '../../../agent/config/config.ts';
import type { Bounds } from '../../../agent/http/door/user-limits.ts';
import { Turns } from '../../../agent/http/kernel/turns.ts';

export const LIMITS = parseConfig({}, () => '').userLimits;

/** With all the time that there is. */
export const unhurried = (): Bounds => ({ limits: LIMITS, turns: new Turns(() => 0) });

/** As much of an exchange as says that there is room for the answer, and a client that waits for it. */
export const ROOMY = { hold: () => {}, isGone: false };
