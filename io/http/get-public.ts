// A GET of an address that was not configured, on a connection of its own: the addresses of its name are judged and then used
// as they are, so that no second answer of a name server can lead elsewhere. Answers as fetch() does.

import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import { Readable } from 'node:stream';
import { isPublicAddress } from '../../core/http/address.ts';
import { redirectRefused } from '../../core/http/redirect.ts';
import { goesByProxy, proxyAgentOptions } from './proxy.ts';

export interface PublicGet {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly resolve: (hostname: string) => Promise<readonly string[]>;
}

/** @throws FanoutError REDIRECT_REFUSED, and the errors of sockets */
export async function getPublic(url: URL, { headers, signal, resolve }: PublicGet): Promise<Response> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const isProxied = goesByProxy(url);
  const isAddress = /^[\d.]+$|:/.test(host);
  // A proxy resolves the name itself, and is who can judge what it leads to.
  const addresses = isAddress ? [host] : isProxied ? [] : await resolve(host);
  const inside = addresses.find((address) => !isPublicAddress(address));
  if (inside !== undefined) throw redirectRefused(`leads to ${inside}, which is not on the internet`);
  const [address] = addresses;
  const { Agent, request } = url.protocol === 'https:' ? https : http;
  const agent = new Agent({
    ...proxyAgentOptions(url),
    ...(isProxied || address === undefined ? {} : { lookup: lookupOf(address) }),
  });
  return new Promise((answered, failed) => {
    // No answer is to be compressed: only fetch() decompresses by itself.
    const sent = { ...headers, 'accept-encoding': 'identity' };
    const asking = request(url, { agent, signal, headers: sent }, (response) => {
      response.once('close', () => agent.destroy());
      answered(responseOf(response));
    });
    asking.once('error', failed);
    asking.end();
  });
}

const lookupOf = (address: string): LookupFunction => {
  const family = address.includes(':') ? 6 : 4;
  return (_, { all }, done) => (all ? done(null, [{ address, family }]) : done(null, address, family));
};

/** Statuses whose answers have no body (fetch standard, "null body status"). */
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304]);

function responseOf(response: http.IncomingMessage): Response {
  const status = response.statusCode ?? 0;
  const headers = Object.entries(response.headers).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, [value].flat().join(', ')]],
  );
  const statusText = response.statusMessage ?? '';
  if (!BODILESS.has(status))
    return new Response(Readable.toWeb(response) as ReadableStream, { status, statusText, headers });
  response.resume();
  return new Response(null, { status, statusText, headers });
}
