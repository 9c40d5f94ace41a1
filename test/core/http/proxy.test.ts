// Which requests go by the proxy, by the rules of the original Agent's language.

import { describe, expect, it } from 'vitest';
import { readProxySettings } from '../../../core/http/proxy.ts';

const by = (env: Record<string, string>, url: string) => readProxySettings(env).goesByProxy(new URL(url));
const BOTH = { HTTP_PROXY: 'http://p:3128', HTTPS_PROXY: 'http://p:3128' };

describe('a proxy', () => {
  it.each([
    [{ HTTPS_PROXY: 'http://p' }, 'https://a.example', true],
    [{ https_proxy: 'http://p' }, 'wss://a.example', true],
    [{ HTTPS_PROXY: 'http://p' }, 'http://a.example', false],
    [{ HTTP_PROXY: 'p:3128' }, 'ws://a.example', true],
    [{ HTTP_PROXY: 'http://p' }, 'https://a.example', false],
    [{ HTTP_PROXY: ' ' }, 'http://a.example', false],
    [BOTH, 'http://localhost:8080', false],
    [BOTH, 'http://127.1.2.3/', false],
    [BOTH, 'ws://[::1]:80', false],
    [BOTH, 'http://169.254.169.254/latest/meta-data', false],
    [BOTH, 'http://[fd00:ec2::254]/latest/meta-data', false],
  ])('%j: %s %s', (env, url, expected) => expect(by(env, url)).toBe(expected));

  it.each([
    ['*', 'https://a.example', false],
    ['x.example, *', 'https://a.example', false],
    ['example.com', 'https://example.com', false],
    ['example.com', 'https://a.example.com', false],
    ['example.com', 'https://myexample.com', true],
    ['.example.com', 'https://example.com', true],
    ['.example.com', 'https://a.b.EXAMPLE.com', false],
    ['*.example.com', 'https://a.example.com', false],
    ['.svc,.cluster.local', 'ws://nats.fanout.svc:8080', false],
    ['example.com:8443', 'https://example.com', true],
    ['example.com:443', 'https://a.example.com', false],
    ['10.0.0.0/8', 'ws://10.2.3.4:8080', false],
    ['10.0.0.0/8', 'ws://11.2.3.4:8080', true],
    ['192.168.1.7', 'http://192.168.1.7', false],
    ['192.168.1.7:81', 'http://192.168.1.7', true],
    ['[fd00::1]', 'http://[fd00::1]/', false],
    ['fd00::1', 'http://[fd00::1]:81/', false],
    ['[fd00::1]:82', 'http://[fd00::1]:81/', true],
    ['fd00::/8', 'ws://[fd12:3456::1]:8080', false],
    ['fd00::/8', 'https://[fe00::1]', true],
    ['2001:DB8:0:8000::/49', 'https://[2001:db8:0:ffff::1]', false],
    ['2001:db8:0:8000::/49', 'https://[2001:db8::1]', true],
    ['::/0', 'https://[2001:db8::1]', false],
    ['::/0', 'https://10.2.3.4', true],
    ['fd00::/129', 'https://[fd00::1]', true],
  ])('but NO_PROXY=%s: %s %s', (noProxy, url, expected) =>
    expect(by({ ...BOTH, NO_PROXY: noProxy }, url)).toBe(expected),
  );

  it('a proxy that is none is told of, without its password', () => {
    const { problems, httpsProxy } = readProxySettings({
      HTTP_PROXY: 'socks5://u:hush@p',
      https_proxy: 'http://',
    });
    expect(httpsProxy).toBeNull();
    expect(problems).toEqual([
      'HTTP_PROXY is "socks5://p" but must be the URL of a proxy, http:// or https://, or host:port',
      'HTTPS_PROXY is "http://" but must be the URL of a proxy, http:// or https://, or host:port',
    ]);
  });
});
