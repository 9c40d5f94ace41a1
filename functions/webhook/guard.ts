// The guard between a webhook whose signature is right and the work that it asks for, as settings and as parts: the window
// against replays, and the rate of a project. State of one process; nothing here is needed for a change to be safe.

import type { RateLimit } from '../../core/rate-limit.ts';
import type { Read } from '../settings/list.ts';
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

const WINDOW_MIN_MS = 1_000;
const WINDOW_MAX_MS = 24 * 3_600_000;
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

export const readGuardSettings = (read: Read): GuardSettings => ({
  windowMs: read('FANOUT_WEBHOOK_WINDOW').duration(WINDOW_MIN_MS, WINDOW_MAX_MS),
  isWindowStrict: read('FANOUT_WEBHOOK_STRICT_WINDOW').boolean(),
  rate: {
    perSecond: read('FANOUT_WEBHOOK_RATE').integer(1, RATE_MAX),
    burst: read('FANOUT_WEBHOOK_BURST').integer(1, RATE_MAX),
  },
});
