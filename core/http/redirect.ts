// Where a redirect may lead a download of a datafile. The operator chooses the configured address; the server there
// chooses where it sends us on to. Pure.

import { FanoutError } from '../errors.ts';
import { holdsUserInfo } from './user-info.ts';

/** As many as the HTTP client of the original Agent follows (Go's net/http: "stopped after 10 redirects"). */
export const REDIRECTS_MAX = 10;

const REDIRECT_STATUS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

export const isRedirect = (status: number): boolean => REDIRECT_STATUS.has(status);

/**
 * The address that is next.
 * @param from the address that answered
 * @param location its Location header
 * @param followed redirects before this one
 * @throws FanoutError REDIRECT_REFUSED
 */
export function judgeRedirect(from: URL, location: string | null, followed: number): URL {
  if (followed >= REDIRECTS_MAX) throw redirectRefused(`goes on after ${REDIRECTS_MAX} redirects`);
  const to = location === null ? null : URL.parse(location, from.href);
  if (location === null || to === null) throw redirectRefused('names no address');
  if (to.protocol !== 'https:' && to.protocol !== 'http:') throw redirectRefused(`leads to ${to.protocol}`);
  if (from.protocol === 'https:' && to.protocol === 'http:')
    throw redirectRefused('leads from https to http');
  if (holdsUserInfo(to.href)) throw redirectRefused('holds credentials');
  return to;
}

/** Never with the address: it may hold a signature. */
export const redirectRefused = (what: string) =>
  new FanoutError({
    code: 'REDIRECT_REFUSED',
    message: `A redirect of the datafile's address ${what}`,
    remedy: 'Configure the address that it should lead to, or mend the server that redirects.',
    retryable: true,
  });
