// Networks as an operator writes them: an address (`10.0.0.7`, `::1`) or a prefix (`10.0.0.0/8`). Pure.

import { BlockList, isIP } from 'node:net';

const PREFIX_MAX = { 4: 32, 6: 128 } as const;
/** How a socket that listens on both families names a client of IPv4. */
const MAPPED = /^::ffff:(?=\d+\.)/i;

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

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 4 ? 'ipv4' : 'ipv6');

function partsOf(text: string): { readonly address: string; readonly prefix: string | null } {
  const slash = text.indexOf('/');
  return slash < 0
    ? { address: text, prefix: null }
    : { address: text.slice(0, slash), prefix: text.slice(slash + 1) };
}

const isPrefix = (text: string, max: number): boolean => /^\d{1,3}$/.test(text) && Number(text) <= max;
