import { expect, it } from 'vitest';
import { clientNetwork, isNetwork, networkCheck } from '../../../../agent/http/door/networks.ts';

it.each([
  ['10.0.0.7', true],
  ['10.0.0.0/8', true],
  ['::1', true],
  ['fd00::/8', true],
  ['0.0.0.0/0', true],
  ['10.0.0.0/33', false],
  ['::/129', false],
  ['10.0.0.0/', false],
  ['10.0.0.0/8/8', false],
  ['10.0.0', false],
  ['proxy.example', false],
  ['', false],
])('%j is a network: %s', (text, is) => {
  expect(isNetwork(text)).toBe(is);
});

it('finds addresses of both families, also those of IPv4 on a socket of IPv6', () => {
  const check = networkCheck(['10.0.0.0/8', '192.0.2.1', 'fd00::/8']);
  for (const address of ['10.255.0.1', '192.0.2.1', '::ffff:10.0.0.1', 'fd12::1'])
    expect(check(address), address).toBe(true);
  for (const address of ['11.0.0.1', '192.0.2.2', '::ffff:11.0.0.1', 'fe80::1', '', 'example.com'])
    expect(check(address), address).toBe(false);
  expect(networkCheck([])('10.0.0.1')).toBe(false);
});

it.each([
  ['203.0.113.9', '203.0.113.9'],
  ['::ffff:203.0.113.9', '203.0.113.9'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
  ['2001:0db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
  ['', ''],
  ['example.com', ''],
])('the client at %s is %s', (address, network) => {
  expect(clientNetwork(address)).toBe(network);
});
