// Resolves names for connections that only a datafile asked for: the addresses are judged and then used as they are, so
// that no second answer of a name server can lead elsewhere. By a proxy only its own name is resolved here. Knows no URL.

import dns from 'node:dns';
import type { LookupFunction } from 'node:net';
import { judgeAddresses } from '../../core/http/outbound.ts';
import { isProxyHost } from '../../io/http/proxy.ts';

export type Resolve = (
  hostname: string,
  options: dns.LookupAllOptions,
  done: (error: NodeJS.ErrnoException | null, addresses: dns.LookupAddress[]) => void,
) => void;

/** @param resolve as node:dns; handed in by tests */
export function createPublicLookup(resolve: Resolve = dns.lookup): LookupFunction {
  return (hostname, options, done) => {
    resolve(hostname, { ...options, all: true }, (error, found) => {
      try {
        // The proxy is the operator's choice: it may be on any network, and judges itself what it connects to.
        if (error === null && !isProxyHost(hostname))
          judgeAddresses(
            hostname,
            found.map(({ address }) => address),
          );
      } catch (refusal) {
        done(refusal as Error, '');
        return;
      }
      const [first] = found ?? [];
      if (error !== null || first === undefined) done(error, '');
      else if (options.all) done(null, found);
      else done(null, first.address, first.family);
    });
  };
}
