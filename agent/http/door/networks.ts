// Networks as an operator writes them: an address (`10.0.0.7`, `::1`) or a prefix (`10.0.0.0/8`). Pure.

import { BlockList, isIP } from 'node:net';

const PREFIX_MAX = { 4: 32, 6: 128 } as const;
/** How a socket that listens on both families names a client of IPv4. */
const MAPPED = /^::ffff:(?=\d+\.)/i;

const GROUPS = 8;

/** Whether an address is within one of the networks. */
export type NetworkCheck = (address: string) => boolean;

export function isNetwork(text: string): boolean {
  const { address, prefix } = partsOf(text);
  const family = isIP(address);
  return family !== 0 && (prefix === null || isPrefix(prefix, PREFIX_MAX[family as 4 | 6]));
}

/** @param networks for which isNetwork() is true */
export function networkCheck(networks: readonly string[]): NetworkCheck {
  if (networks.length === 0) return () => false;
  const list = new BlockList();
  for (const network of networks) {
    const { address, prefix } = partsOf(network);
    if (prefix === null) list.addAddress(address, familyOf(address));
    else list.addSubnet(address, Number(prefix), familyOf(address));
  }
  return (text) => {
    const address = text.replace(MAPPED, '');
    return isIP(address) !== 0 && list.check(address, familyOf(address));
  };
}

/**
 * What one client can choose its addresses from: an address of IPv4, the first 64 bits of one of IPv6 (RFC 6177 gives a
 * site at least as many). Empty for what is no address.
 */
export function clientNetwork(text: string): string {
  const address = text.replace(MAPPED, '');
  if (isIP(address) !== 6) return isIP(address) === 4 ? address : '';
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const rest = tail === '' ? [] : tail.split(':');
    // An address of IPv4 at the end stands for two groups.
    const restLength = rest.length + (rest.at(-1)?.includes('.') ? 1 : 0);
    while (groups.length + restLength < GROUPS) groups.push('0');
    groups.push(...rest);
  }
  return `${groups
    .slice(0, GROUPS / 2)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 4 ? 'ipv4' : 'ipv6');

function partsOf(text: string): { readonly address: string; readonly prefix: string | null } {
  const slash = text.indexOf('/');
  return slash < 0
    ? { address: text, prefix: null }
    : { address: text.slice(0, slash), prefix: text.slice(slash + 1) };
}

const isPrefix = (text: string, max: number): boolean => /^\d{1,3}$/.test(text) && Number(text) <= max;
