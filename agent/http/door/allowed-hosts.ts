// Which hosts requests may name. A page of another site can make a browser send requests to an address inside (DNS
// rebinding), but not with the name of that address: so requests by other names are refused, as the original does.
// Such a page may set the headers in which proxies say what they were called: they count in place of Host from known proxies only.

import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { networkCheck } from './networks.ts';

/** Hosts judged before; a client may make up any number. */
const REMEMBERED_MAX = 1_000;
const FORWARDED_HOST = /(?:^|[;,])\s*host\s*=\s*"?([^",;]+)"?/i;

export interface HostRules {
  /** Lower case; `.example.com` stands for all below it. Null: any. */
  readonly allowedHosts: readonly string[] | null;
  /** An agent that listens on every address cannot know by which it is called; DNS rebinding needs a name. */
  readonly allowAnyIp: boolean;
  /** Addresses and networks of the proxies whose word counts for what a client called them. */
  readonly trustedProxies: readonly string[];
}

/** Whether a request with these headers may come in. @param peer the address at the other end of the connection */
export type HostCheck = (headers: IncomingHttpHeaders, peer: string | undefined) => boolean;

/** Null where any host will do. */
export function hostCheck({ allowedHosts, allowAnyIp, trustedProxies }: HostRules): HostCheck | null {
  if (allowedHosts === null) return null;
  const endings = allowedHosts.filter((host) => host.startsWith('.'));
  const names = new Set(allowedHosts.filter((host) => !host.startsWith('.')));
  const remembered = new Map<string, boolean>();
  const judge = (text: string): boolean => {
    const host = withoutPort(text.trim().toLowerCase());
    if (names.has(host) || (allowAnyIp && isIP(host) !== 0)) return true;
    return endings.some((ending) => host.endsWith(ending) && host.length > ending.length);
  };
  const isAllowed = (host: string): boolean => {
    let allowed = remembered.get(host);
    if (allowed === undefined) {
      allowed = judge(host);
      if (remembered.size >= REMEMBERED_MAX) remembered.clear();
      remembered.set(host, allowed);
    }
    return allowed;
  };
  const isTrusted = networkCheck(trustedProxies);
  return (headers, peer = '') => {
    const forwarded = forwardedHost(headers);
    if (forwarded === null) return isAllowed(headers.host ?? '');
    // A proxy that is not known may still say that the client asked for another site.
    return isAllowed(forwarded) && (isTrusted(peer) || isAllowed(headers.host ?? ''));
  };
}

/** What the first of the proxies was called; null where none says so. */
function forwardedHost(headers: IncomingHttpHeaders): string | null {
  const forwardedHost = headers['x-forwarded-host'];
  if (typeof forwardedHost === 'string' && forwardedHost !== '') return forwardedHost.split(',')[0] as string;
  const { forwarded } = headers;
  return forwarded === undefined ? null : (FORWARDED_HOST.exec(forwarded)?.[1] ?? null);
}

/** Brackets of an IPv6 address go with its port. */
function withoutPort(host: string): string {
  if (host.startsWith('[')) return host.slice(1, host.indexOf(']'));
  const colon = host.lastIndexOf(':');
  return colon < 0 || host.indexOf(':') !== colon ? host : host.slice(0, colon);
}
