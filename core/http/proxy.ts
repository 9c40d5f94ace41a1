// The outbound proxy as an environment names it: HTTP_PROXY, HTTPS_PROXY and NO_PROXY, in either case, read by the rules of
// Go (golang.org/x/net/http/httpproxy), which the original Agent goes by. Pure: what uses it is elsewhere.

import { ipv4Range, ipv6Network, isLoopback } from './address.ts';
import { takeUserInfo } from './user-info.ts';

export type ProxyVariables = Readonly<Record<string, string | undefined>>;

export interface ProxySettings {
  /** Whole URLs; null where there is none. They may hold credentials. */
  readonly httpProxy: string | null;
  readonly httpsProxy: string | null;
  /**
   * NO_PROXY in the words of Node's own agents, which know neither networks nor that a name stands for all below it. They have
   * no words for networks of IPv6: where the URL is known before the agent is made, ask goesByProxy() instead.
   */
  readonly noProxy: string;
  readonly problems: readonly string[];
  /** Of http, https, ws and wss URLs. */
  goesByProxy(url: URL): boolean;
}

/**
 * Never asked by a proxy: this machine, as in Go; and a cloud's metadata and credentials services, which answer to this
 * machine alone (AWS: 169.254.169.254, 169.254.170.2 and .23, and the same of IPv6).
 */
const LOCAL_RANGE = '169.254.0.0/16';
const LOCAL_HOSTS: readonly string[] = ['fd00:ec2::254', 'fd00:ec2::23'];
const LOCAL_ENTRIES: readonly string[] = [
  ...['localhost', '127.0.0.0-127.255.255.255', '[::1]', '169.254.0.0-169.254.255.255'],
  ...LOCAL_HOSTS.map((host) => `[${host}]`),
];

interface Entry {
  readonly host: string;
  /** Empty: any. */
  readonly port: string;
  /** `.example.com` is about what is below it only, `example.com` about itself too. */
  readonly isBelowOnly: boolean;
}

export function readProxySettings(env: ProxyVariables): ProxySettings {
  const problems: string[] = [];
  const httpProxy = proxyUrl(env, 'HTTP_PROXY', problems);
  const httpsProxy = proxyUrl(env, 'HTTPS_PROXY', problems);
  const texts = (variableOf(env, 'NO_PROXY') ?? '').split(/[\s,]+/).filter((text) => text !== '');
  const entries = texts.map(entryOf);
  const isOff = texts.includes('*');
  const goesByProxy = (url: URL): boolean => {
    const isSecure = url.protocol === 'https:' || url.protocol === 'wss:';
    if (isOff || (isSecure ? httpsProxy : httpProxy) === null) return false;
    const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
    const port = url.port || (isSecure ? '443' : '80');
    if (isLoopback(host) || LOCAL_HOSTS.includes(host) || ipv4Range(LOCAL_RANGE)?.holds(host)) return false;
    return !entries.some((entry) => covers(entry, host, port));
  };
  const noProxy = isOff ? '*' : [...LOCAL_ENTRIES, ...entries.flatMap(nodeEntries)].join(',');
  return { httpProxy, httpsProxy, noProxy, problems, goesByProxy };
}

/** The lower-case name is first, as everywhere. */
const variableOf = (env: ProxyVariables, name: string): string | undefined =>
  env[name.toLowerCase()]?.trim() || env[name]?.trim() || undefined;

/** `host:port` without a scheme is an http proxy. */
function proxyUrl(env: ProxyVariables, name: string, problems: string[]): string | null {
  const text = variableOf(env, name);
  if (text === undefined) return null;
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  if (url !== null && url.hostname !== '' && ['http:', 'https:'].includes(url.protocol)) return url.href;
  problems.push(
    `${name} is "${takeUserInfo(text).url}" but must be the URL of a proxy, http:// or https://, or host:port`,
  );
  return null;
}

function entryOf(text: string): Entry {
  const [, host = text, port = ''] = /^(.*[^:]):(\d+)$/.exec(text) ?? [];
  // An IPv6 address has colons of its own: only behind brackets a port follows.
  const hasPort = port !== '' && (!host.includes(':') || host.endsWith(']'));
  const bare = (hasPort ? host : text).replace(/^\[|\]$/g, '').toLowerCase();
  const isBelowOnly = /^\*?\./.test(bare);
  return { host: bare.replace(/^\*?\./, ''), port: hasPort ? port : '', isBelowOnly };
}

function covers({ host, port, isBelowOnly }: Entry, asked: string, askedPort: string): boolean {
  if (port !== '' && port !== askedPort) return false;
  const range = ipv4Range(host);
  if (range !== null) return range.holds(asked);
  const network = ipv6Network(host);
  if (network !== null) return network(asked);
  return (asked === host && !isBelowOnly) || asked.endsWith(`.${host}`);
}

function nodeEntries({ host, port, isBelowOnly }: Entry): string[] {
  const range = ipv4Range(host);
  if (range !== null) return [`${range.first}-${range.last}`];
  if (ipv6Network(host) !== null) return [];
  const suffix = port === '' ? '' : `:${port}`;
  // Node reads .example.com as example.com too, and *.example.com as what is below it.
  const below = `*.${host}`;
  return isBelowOnly
    ? [below]
    : [host.includes(':') ? `[${host}]` : `${host}${suffix}`, ...(port === '' ? [below] : [])];
}
