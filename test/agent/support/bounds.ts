// The limits of routes, with the settings' defaults, for tests that call routes without an agent.

import { parseConfig } from '../../../agent/config/config.ts';
import type { Bounds } from '../../../agent/http/door/user-limits.ts';
import { Turns } from '../../../agent/http/kernel/turns.ts';

export const LIMITS = parseConfig({}, () => '').userLimits;

/** Limits without a time limit for turns. */
export const unhurried = (): Bounds => ({ limits: LIMITS, turns: new Turns(() => 0) });

/** The part of an exchange with which routes check that there is room for the answer, and that the client still waits. */
export const ROOMY = { hold: () => {}, isGone: false };
