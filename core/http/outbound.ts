// Which URLs may be called because a datafile says so. The operator chooses the configured ones; those that a
// datafile names were chosen by its writer, and must lead to Optimizely only.

import { FanoutError } from '../errors.ts';
import { isPublicAddress } from './address.ts';

/** Where Optimizely runs the Data Platform (api.zaius.com, api.eu1.odp.optimizely.com); all below these. */
export const NAMED_HOSTS: readonly string[] = ['optimizely.com', 'zaius.com'];

export interface Destination {
  readonly url: URL;
  /** The operator named this very origin: it may be on any network. Otherwise only public addresses will do. */
  readonly isOperators: boolean;
}

/**
 * Judges a URL that is not ours: https on its usual port to one of NAMED_HOSTS, without credentials; or one of the
 * origins that the operator added, such as `https://odp.example.com` or `http://127.0.0.1:9000`.
 * @throws FanoutError OUTBOUND_REFUSED
 */
export function judgeUrl(text: string, origins: readonly string[]): Destination {
  const url = URL.parse(text);
  if (url === null) throw refused('is not a URL');
  if (url.username !== '' || url.password !== '') throw refused('holds credentials', url);
  if (origins.includes(url.origin)) return { url, isOperators: true };
  if (url.protocol !== 'https:') throw refused('is not https', url);
  if (url.port !== '') throw refused('names a port of its own', url);
  // URL has made the name lower-case ASCII, and numbers of any notation an address.
  const { hostname } = url;
  const isWhole = !hostname.split('.').includes('');
  if (!isWhole || !NAMED_HOSTS.some((host) => hostname === host || hostname.endsWith(`.${host}`)))
    throw refused('is no host of Optimizely', url);
  return { url, isOperators: false };
}

/** The addresses of a name, if all of them are public. @throws FanoutError OUTBOUND_REFUSED */
export function judgeAddresses(hostname: string, addresses: readonly string[]): void {
  const inside = addresses.find((address) => !isPublicAddress(address));
  if (inside !== undefined || addresses.length === 0)
    throw refused(`leads to ${inside ?? 'no address'}, which is not on the internet`, { hostname });
}

/** Never with the path: that may be about a user. */
const refused = (what: string, at?: { readonly hostname: string }) =>
  new FanoutError({
    code: 'OUTBOUND_REFUSED',
    message: `An address that a datafile names ${what}`,
    remedy:
      'Look who wrote it. If the address is meant, add its origin to FANOUT_ODP_HOSTS, such as https://odp.example.com.',
    retryable: false,
    fields: { host: at?.hostname.slice(0, 100) },
  });
