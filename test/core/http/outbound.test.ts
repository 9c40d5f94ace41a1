// A datafile cannot send an agent anywhere but to Optimizely, however its address is written.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPublicAddress } from '../../../core/http/address.ts';
import { judgeAddresses, judgeUrl } from '../../../core/http/outbound.ts';

const refusalOf = (url: string, origins: readonly string[] = []): string => {
  try {
    return `allowed ${judgeUrl(url, origins).url.hostname}`;
  } catch (error) {
    expect(error).toMatchObject({ code: 'OUTBOUND_REFUSED', retryable: false });
    return (error as Error).message.replace('An address that a datafile names ', '');
  }
};

describe('an address out of a datafile', () => {
  it.each([
    'https://api.zaius.com',
    'https://api.eu1.odp.optimizely.com/v3/graphql',
    'https://API.Zaius.COM:443/x',
    'https://optimizely.com',
  ])('an address out of a datafile may be Optimizely’s: %s', (url) => {
    expect(refusalOf(url)).toMatch(/^allowed /);
  });

  it.each([
    ['credentials before another host', 'https://cdn.optimizely.com@evil.example/', 'holds credentials'],
    ['credentials, encoded', 'https://api.zaius.com%40evil.example/', 'is not a URL'],
    ['credentials with a password', 'https://a:b@api.zaius.com/', 'holds credentials'],
    ['plain HTTP', 'http://api.zaius.com/', 'is not https'],
    ['a file', 'file:///etc/passwd', 'is not https'],
    ['a script', 'javascript:alert(1)', 'is not https'],
    ['another protocol', 'gopher://api.zaius.com/', 'is not https'],
    ['no protocol', '//api.zaius.com/', 'is not a URL'],
    ['another port', 'https://api.zaius.com:8443/', 'names a port'],
    ['a port behind credentials', 'https://api.zaius.com:443@evil.example:443/', 'holds credentials'],
    ['a look-alike', 'https://notzaius.com/', 'is no host of Optimizely'],
    ['a look-alike below another', 'https://api.zaius.com.evil.example/', 'is no host of Optimizely'],
    ['a dot at its end', 'https://api.zaius.com./', 'is no host of Optimizely'],
    ['a backslash', 'https://evil.example\\.zaius.com/', 'is no host of Optimizely'],
    ['a fragment', 'https://evil.example#.zaius.com', 'is no host of Optimizely'],
    ['a question mark', 'https://evil.example?.zaius.com', 'is no host of Optimizely'],
    ['Cyrillic letters', 'https://арi.zaius.соm/', 'is no host of Optimizely'],
    ['punycode', 'https://xn--zaius-x8d.com/', 'is no host of Optimizely'],
    ['encoded letters', 'https://%65vil.example/', 'is no host of Optimizely'],
    ['a line break', 'https://evil.example\n.zaius.com@x', 'holds credentials'],
    ['this machine', 'https://localhost/', 'is no host of Optimizely'],
    ['this machine, IPv6', 'https://[::1]/', 'is no host of Optimizely'],
    ['this machine, mapped', 'https://[::ffff:127.0.0.1]/', 'is no host of Optimizely'],
    ['this machine, decimal', 'https://2130706433/', 'is no host of Optimizely'],
    ['this machine, octal', 'https://0177.0.0.1/', 'is no host of Optimizely'],
    ['this machine, hexadecimal', 'https://0x7f.1/', 'is no host of Optimizely'],
    ['this machine, full-width digits', 'https://１２７.0.0.1/', 'is no host of Optimizely'],
    ["a cloud's metadata", 'https://169.254.169.254/latest/meta-data/', 'is no host of Optimizely'],
    ['a public address', 'https://93.184.216.34/', 'is no host of Optimizely'],
    ['an empty text', '', 'is not a URL'],
  ])('an address out of a datafile is refused with %s', (_, url, reason) => {
    expect(refusalOf(url)).toContain(reason);
  });

  it('an address out of a datafile may be one that the operator added, to the very origin', () => {
    const origins = ['http://127.0.0.1:9000', 'https://odp.internal'];
    expect(judgeUrl('http://127.0.0.1:9000/v3/graphql', origins).isOperators).toBe(true);
    expect(judgeUrl('https://ODP.internal:443/x', origins).isOperators).toBe(true);
    expect(judgeUrl('https://api.zaius.com', origins).isOperators).toBe(false);
    for (const url of ['http://127.0.0.1:9001/', 'http://odp.internal/', 'https://x.odp.internal/'])
      expect(refusalOf(url, origins)).not.toMatch(/^allowed/);
    expect(refusalOf('https://user@odp.internal/', origins)).toBe('holds credentials');
  });

  it('an address out of a datafile is never allowed off Optimizely’s hosts', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'https://',
        'zaius.com',
        '.',
        '@',
        ':',
        '/',
        '\\',
        '#',
        '?',
        '%2e',
        '[::1]',
        '127.1',
        ' ',
        '\t',
      ),
      fc.string({ maxLength: 5 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const verdict = refusalOf(`https://${pieces.join('')}`);
        if (verdict.startsWith('allowed'))
          expect(verdict).toMatch(/^allowed ([^@]+\.)?(zaius|optimizely)\.com$/);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('an address on the network', () => {
  it.each([
    ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '127.255.255.255', '169.254.169.254', '172.16.0.1'],
    ...[
      '172.31.255.255',
      '192.0.0.1',
      '192.0.2.1',
      '192.168.0.1',
      '198.18.0.1',
      '198.51.100.1',
      '203.0.113.1',
    ],
    ...['224.0.0.1', '240.0.0.1', '255.255.255.255'],
    ...[
      '::',
      '::1',
      'fe80::1',
      'fe80::1%eth0',
      'fc00::1',
      'fd00:ec2::254',
      'ff02::1',
      '2001:db8::1',
      '2001::1',
    ],
    ...['2002:7f00:1::', '3fff::1', '4000::1', '::127.0.0.1', '::ffff:127.0.0.1', '::ffff:a9fe:a9fe'],
    ...['64:ff9b::10.0.0.1', '64:ff9b:1::1', '::ffff:0:10.0.0.1'],
    ...[
      '',
      'localhost',
      '127.1',
      '0177.0.0.1',
      '2130706433',
      '1.2.3.4.5',
      '1.2.3.256',
      ':::',
      '1::2::3',
      '[::1]',
    ],
  ])('an address on the network that is not of the internet: "%s"', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each([
    ...[
      '1.1.1.1',
      '9.255.255.255',
      '11.0.0.0',
      '93.184.216.34',
      '100.128.0.0',
      '126.255.255.255',
      '172.15.0.1',
    ],
    ...['172.32.0.0', '192.167.255.255', '198.20.0.0', '223.255.255.255'],
    ...[
      '2600:1f18::1',
      '2001:4860:4860::8888',
      '2a00:1450:4001:81b::200e',
      '::ffff:1.1.1.1',
      '64:ff9b::1.1.1.1',
    ],
  ])('an address on the network that is: %s', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  it('an address on the network is refused as soon as one of a name’s is not', () => {
    expect(() => judgeAddresses('x', ['1.1.1.1', '10.0.0.1'])).toThrow('leads to 10.0.0.1');
    expect(() => judgeAddresses('x', [])).toThrow('no address');
    expect(() => judgeAddresses('x', ['1.1.1.1', '2600::1'])).not.toThrow();
  });
});
