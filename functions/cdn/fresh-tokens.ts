// A secure environment that refuses our access token: the token may have been replaced, so the project table is read again
// for the next attempt (the queued refetch, or reconcile's next minute). This attempt is not held up.

import { isFanoutError } from '../../core/errors.ts';
import type { Cdn } from '../ports.ts';
import type { CachedSecret } from '../settings/refreshing-secret.ts';

export function withFreshTokens(cdn: Cdn, projects: Pick<CachedSecret<unknown>, 'refresh'>): Cdn {
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
