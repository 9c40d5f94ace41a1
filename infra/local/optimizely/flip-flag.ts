// What a product manager does in the app, done to a datafile: one flag on, or off again, in the next revision.

import { FanoutError } from '../../../core/errors.ts';
import type { DatafileJson } from './datafile.ts';

/**
 * The next revision, with `enabled` of the flag turned round for every user: in all variations of its experiments and its
 * rollout. Works on any datafile of format 4. @throws FanoutError NOTHING_FOUND when there is no such flag
 */
export function flipFlag(datafile: DatafileJson, flagKey: string): DatafileJson {
  const next = structuredClone(datafile);
  const feature = next.featureFlags.find(({ key }) => key === flagKey);
  if (feature === undefined) throw noSuchFlag(datafile, flagKey);
  const grouped = (next.groups ?? []).flatMap(({ experiments = [] }) => experiments);
  const own = [...next.experiments, ...grouped].filter(({ id }) => feature.experimentIds.includes(id));
  const rules = next.rollouts.find(({ id }) => id === feature.rolloutId)?.experiments ?? [];
  for (const variation of [...own, ...rules].flatMap(({ variations }) => variations)) {
    variation.featureEnabled = !variation.featureEnabled;
    // The same as giving the traffic of the one to the other: what is enabled is called on.
    if (variation.key in OPPOSITE) variation.key = OPPOSITE[variation.key] ?? variation.key;
  }
  next.revision = String(Number(datafile.revision) + 1);
  return next;
}

const FLAGS_NAMED = 5;

function noSuchFlag({ featureFlags }: DatafileJson, flagKey: string): FanoutError {
  const keys = featureFlags.slice(0, FLAGS_NAMED).map(({ key }) => key);
  const more = featureFlags.length > FLAGS_NAMED ? ' and so on' : '';
  return new FanoutError({
    code: 'NOTHING_FOUND',
    message: `The datafile has no flag ${flagKey}`,
    remedy: `Name one that it has: ${keys.join(', ')}${more}.`,
    retryable: false,
  });
}

const OPPOSITE: Readonly<Record<string, string>> = { on: 'off', off: 'on' };
