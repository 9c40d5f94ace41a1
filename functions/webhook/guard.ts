// What stands between a webhook whose signature is right and the work it asks for, as settings and as parts: the window
// against replays, and the rate of a project. State of one process; nothing here is needed for a change to be safe.

import { parseDurationMs } from '../../core/duration.ts';
import type { RateLimit } from '../../core/rate-limit.ts';
import { InFlight } from './in-flight.ts';
import { ProjectRates, type ProjectRatesParts } from './rate.ts';
import { Replays, type WindowSettings } from './replay.ts';
import { WebhookSlots } from './webhook-slots.ts';

export interface GuardSettings extends WindowSettings {
  readonly rate: RateLimit;
}

export interface Guard {
  readonly window: WindowSettings;
  readonly replays: Replays;
  readonly flights: InFlight;
  readonly rates: ProjectRates;
  readonly slots: WebhookSlots;
}

const WINDOW_DEFAULT = '5m';
const WINDOW_MIN_MS = 1_000;
const WINDOW_MAX_MS = 24 * 3_600_000;
const RATE_DEFAULT = '20';
const BURST_DEFAULT = '1000';
const RATE_MAX = 100_000;

/** @param atOnceMax webhooks worked on at the same time; a Lambda is handed one at a time by AWS */
export function createGuard(
  settings: GuardSettings,
  parts: ProjectRatesParts,
  atOnceMax: number = Number.POSITIVE_INFINITY,
): Guard {
  return {
    window: settings,
    replays: new Replays(settings.windowMs),
    flights: new InFlight(),
    rates: new ProjectRates(settings.rate, parts),
    slots: new WebhookSlots(atOnceMax, parts),
  };
}

/** @param get a variable's trimmed value; undefined when it is empty or absent */
export function readGuardSettings(
  get: (name: string) => string | undefined,
  problems: string[],
): GuardSettings {
  const windowMs = parseDurationMs(get('FANOUT_WEBHOOK_WINDOW') ?? WINDOW_DEFAULT);
  if (windowMs === null || windowMs < WINDOW_MIN_MS || windowMs > WINDOW_MAX_MS)
    problems.push('FANOUT_WEBHOOK_WINDOW must be a duration from 1s to 24h, such as 5m');
  const strict = get('FANOUT_WEBHOOK_STRICT_WINDOW') ?? 'false';
  if (strict !== 'true' && strict !== 'false')
    problems.push('FANOUT_WEBHOOK_STRICT_WINDOW must be true or false');
  const count = (name: string, fallback: string): number => {
    const text = get(name) ?? fallback;
    const value = /^\d{1,6}$/.test(text) ? Number(text) : 0;
    if (value < 1 || value > RATE_MAX) problems.push(`${name} must be a whole number from 1 to ${RATE_MAX}`);
    return value;
  };
  return {
    windowMs: windowMs ?? 0,
    isWindowStrict: strict === 'true',
    rate: {
      perSecond: count('FANOUT_WEBHOOK_RATE', RATE_DEFAULT),
      burst: count('FANOUT_WEBHOOK_BURST', BURST_DEFAULT),
    },
  };
}
