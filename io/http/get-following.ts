// A GET that follows redirects, for datafiles: a mirror may answer with where the file lies, such as a signed URL of a
// bucket. Both the headers sent along and the targets are bounded: a redirect must not reach addresses that only this
// machine can.

import { lookup as dnsLookup } from 'node:dns/promises';
import { isPublicAddress } from '../../core/http/address.ts';
import { isRedirect, judgeRedirect, redirectRefused } from '../../core/http/redirect.ts';
import { getPublic } from './get-public.ts';
import { goesByProxy } from './proxy.ts';

export interface GetOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Instead of the global one. */
  readonly get?: typeof fetch | undefined;
  /** Instead of the resolver of this machine: all addresses of a name. */
  readonly resolve?: Resolve | undefined;
}

export type Resolve = (hostname: string) => Promise<readonly string[]>;

const resolveHere: Resolve = async (hostname) =>
  (await dnsLookup(hostname, { all: true })).map(({ address }) => address);

/**
 * The first answer that is no redirect. Credentials stay with the host that they were configured for. Another host must be
 * on the public internet, unless the configured one is not either.
 * @throws FanoutError REDIRECT_REFUSED, and what fetch() throws
 */
export async function getFollowing(url: string, options: GetOptions): Promise<Response> {
  const { headers, signal, get = fetch, resolve = resolveHere } = options;
  const configured = new URL(url);
  const request = { signal, redirect: 'manual' } as const;
  let response = await get(url, { ...request, headers });
  let at = configured;
  let sent = headers;
  for (let followed = 0; isRedirect(response.status); followed++) {
    // An unread body would keep its connection from being used again.
    await response.body?.cancel();
    at = judgeRedirect(at, response.headers.get('location'), followed);
    const { authorization: _, ...others } = sent;
    if (at.host !== configured.host) sent = others;
    const isKnown = at.hostname === configured.hostname || !(await isPublic(configured, resolve));
    response = isKnown
      ? await get(at.href, { ...request, headers: sent })
      : await getPublic(at, { headers: sent, signal, resolve });
  }
  return response;
}

/** A proxy resolves names itself: only an address that stands in the URL can be judged here. */
async function isPublic(url: URL, resolve: Resolve): Promise<boolean> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (/^[\d.]+$|:/.test(host)) return isPublicAddress(host);
  if (goesByProxy(url)) return true;
  const addresses = await resolve(host).catch(() => {
    throw redirectRefused('comes from a name that cannot be resolved');
  });
  return addresses.every(isPublicAddress);
}
