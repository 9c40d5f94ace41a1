// A secure environment that refuses our access token: the token may have been replaced, so the project table is read again
// for the next attempt (the queued refetch, or reconcile's next minute). This attempt is not held up.

import { isFanoutError } from '../../core/errors.ts';
import type { Cdn } from '../ports.ts';
import type { Kept } from '../settings/kept-secret.ts';

export function withFreshTokens(cdn: Cdn, projects: Pick<Kept<unknown>, 'refresh'>): Cdn {
  return {
    viasOf: cdn.viasOf,
    fetch: async (source, ...rest) => {
      try {
        return await cdn.fetch(source, ...rest);
      } catch (error) {
        if (source.accessToken !== undefined && isFanoutError(error, 'CDN_DENIED')) void projects.refresh();
        throw error;
      }
    },
  };
}
