// Which network addresses belong to the public internet. Everything else (this machine, its network, a cloud's metadata
// service) must not be reached because a stranger's data says so. Pure: knows no resolver and no socket.

/** Networks that are no one's on the internet (IANA's special-purpose registry), as first address and prefix length. */
const PRIVATE_V4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
];
/** Groups before the IPv4 address that an IPv6 address carries, for its last 32 bits: mapped, translated, compatible. */
const CARRIERS_V6: readonly string[] = ['0:0:0:0:0:ffff', '64:ff9b:0:0:0:0', '0:0:0:0:ffff:0'];

/** True only for an address that is known to be public; false also for what is no address at all. */
export function isPublicAddress(address: string): boolean {
  const v4 = parseV4(address);
  if (v4 !== null) return isPublicV4(v4);
  const groups = parseV6(address);
  if (groups === null) return false;
  const carried = (groups[6] as number) * 0x10000 + (groups[7] as number);
  const prefix = groups.slice(0, 6).map((group) => group.toString(16));
  if (CARRIERS_V6.includes(prefix.join(':'))) return isPublicV4(carried);
  const [first, second] = groups as [number, number];
  // 2000::/3 is all that was ever given out; in it 2001::/23 is for protocols, 2001:db8::/32 and 3fff::/20 for examples,
  // and 2002::/16 leads to the IPv4 address that it holds.
  if (first < 0x2000 || first > 0x3fff) return false;
  if (first === 0x2001) return second >= 0x200 && second !== 0xdb8;
  return first !== 0x2002 && first !== 0x3fff;
}

/** Dotted decimal only: resolvers and URLs give this form, however an address was written. */
function parseV4(address: string): number | null {
  const parts = address.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return null;
  return parts.reduce((value, part) => value * 256 + Number(part), 0);
}

/** Eight groups; null when it is none. Zones (`fe80::1%eth0`) are of this machine's own links, so they are none either. */
function parseV6(address: string): number[] | null {
  if (!address.includes(':') || !/^[0-9a-fA-F:.]+$/.test(address)) return null;
  const url = URL.parse(`http://[${address}]/`);
  if (url === null) return null;
  const [head = '', tail] = url.hostname.slice(1, -1).split('::');
  const groupsOf = (text: string) =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const before = groupsOf(head);
  if (tail === undefined) return before;
  const after = groupsOf(tail);
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
}

const isPublicV4 = (value: number): boolean =>
  !PRIVATE_V4.some(([first, length]) => {
    const size = 2 ** (32 - length);
    const start = parseV4(first) as number;
    return value >= start && value < start + size;
  });

/** Addresses that never leave this machine: localhost, 127.0.0.0/8 and ::1. */
export function isLoopback(host: string): boolean {
  const v4 = parseV4(host);
  return host === 'localhost' || host === '::1' || (v4 !== null && v4 >>> 24 === 127);
}

export interface AddressRange {
  readonly first: string;
  readonly last: string;
  /** Whether an IPv4 address is inside; false for everything else. */
  holds(address: string): boolean;
}

/** `10.0.0.0/8`, or one IPv4 address; null for anything else. */
export function ipv4Range(text: string): AddressRange | null {
  const [, base = '', length = '32'] = /^([\d.]+)(?:\/(\d{1,2}))?$/.exec(text) ?? [];
  const address = parseV4(base);
  if (address === null || Number(length) > 32) return null;
  const size = 2 ** (32 - Number(length));
  const start = Math.floor(address / size) * size;
  const holds = (asked: string) => {
    const value = parseV4(asked);
    return value !== null && value >= start && value < start + size;
  };
  return { first: dotted(start), last: dotted(start + size - 1), holds };
}

/** `fd00::/8`: whether an address is in that network; null for what is no network of IPv6. */
export function ipv6Network(text: string): ((address: string) => boolean) | null {
  const [, base = '', length = ''] = /^([\da-f:.]+)\/(\d{1,3})$/i.exec(text) ?? [];
  const network = parseV6(base);
  const bits = Number(length);
  if (network === null || bits > 128) return null;
  const start = bitsOf(network).slice(0, bits);
  return (address) => {
    const groups = parseV6(address);
    return groups !== null && bitsOf(groups).startsWith(start);
  };
}

const bitsOf = (groups: readonly number[]): string =>
  groups.map((group) => group.toString(2).padStart(16, '0')).join('');

const dotted = (value: number): string =>
  [24, 16, 8, 0].map((bits) => Math.floor(value / 2 ** bits) % 256).join('.');
