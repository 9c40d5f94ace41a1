// When an agent, or one of its workers, has enough to be given traffic. Pure.

import type { SdkKey } from '../../../core/ids.ts';

/**
 * Every configured key has a datafile, but for those that Optimizely does not know, and at least one has: an agent that
 * could serve nothing must not take the place of one that does. True where no key is configured.
 */
export function isEnough(
  keys: Iterable<{ readonly sdkKey: SdkKey; readonly configured: boolean }>,
  has: (sdkKey: SdkKey) => boolean,
  isExempt: (sdkKey: SdkKey) => boolean,
): boolean {
  const configured = [...keys].filter((key) => key.configured);
  const served = configured.filter(({ sdkKey }) => has(sdkKey));
  if (configured.length > 0 && served.length === 0) return false;
  return configured.every(({ sdkKey }) => has(sdkKey) || isExempt(sdkKey));
}
