import { describe, expect, it } from 'vitest';
import { hostCheck } from '../../../../agent/http/door/allowed-hosts.ts';
import { startDoor } from '../../support/door.ts';
import { KEY } from '../../support/fakes.ts';

const PROXY = '10.0.0.7';
const STRANGER = '203.0.113.9';

const allows = (allowedHosts: string[], allowAnyIp = false) => {
  const check = hostCheck({ allowedHosts, allowAnyIp, trustedProxies: ['10.0.0.0/24', 'fd00::/8'] });
  return (headers: Record<string, string>, peer = STRANGER) => check?.(headers, peer);
};

describe('the host that a request names', () => {
  const check = allows(['76.125.27.44', 'example.com', '.flags.example', '::1']);

  it.each([
    ['example.com', true],
    ['example.com:8080', true],
    ['EXAMPLE.com', true],
    ['76.125.27.44:8080', true],
    ['[::1]:8080', true],
    ['a.flags.example', true],
    ['a.b.flags.example:1', true],
    ['flags.example', false],
    ['evilflags.example', false],
    ['.flags.example', false],
    ['sub.example.com', false],
    ['evil.com', false],
    ['example.com.evil.com', false],
    ['', false],
  ])('%s: %s', (host, allowed) => {
    expect(check({ host })).toBe(allowed);
    expect(check({ host })).toBe(allowed);
  });

  it.each([PROXY, `::ffff:${PROXY}`, 'fd00::1'])(
    'the host that a request names is what the first proxy was called, says %s',
    (proxy) => {
      expect(check({ host: 'inside', 'x-forwarded-host': 'example.com:8080, proxy' }, proxy)).toBe(true);
      expect(check({ host: 'example.com', 'x-forwarded-host': 'evil.com' }, proxy)).toBe(false);
      expect(check({ host: 'inside', forwarded: 'for=1.2.3.4;host=example.com;proto=https' }, proxy)).toBe(
        true,
      );
      expect(check({ host: 'inside', forwarded: 'host="example.com:80"' }, proxy)).toBe(true);
      expect(check({ host: 'example.com', forwarded: 'host=evil.com' }, proxy)).toBe(false);
      expect(check({ host: 'example.com', forwarded: 'for=1.2.3.4' }, proxy)).toBe(true);
    },
  );

  it('the host that a request names is read from Host, not from forwarding headers, which a web page may set too', () => {
    expect(check({ host: 'evil.com', 'x-forwarded-host': 'example.com' })).toBe(false);
    expect(check({ host: 'evil.com', forwarded: 'host=example.com' })).toBe(false);
    expect(check({ host: 'example.com', 'x-forwarded-host': 'example.com' })).toBe(true);
    expect(check({ host: 'example.com', 'x-forwarded-host': 'evil.com' })).toBe(false);
  });

  it('the host that a request names may be any address where the agent cannot know its own', () => {
    expect(allows(['0.0.0.0'], true)({ host: '10.1.2.3:8080' })).toBe(true);
    expect(allows(['0.0.0.0'], true)({ host: '[fd00::1]:8080' })).toBe(true);
    expect(allows(['0.0.0.0'], true)({ host: 'evil.com' })).toBe(false);
    expect(allows(['0.0.0.0'])({ host: '10.1.2.3:8080' })).toBe(false);
  });

  it('the host that a request names is not looked at where any will do', () => {
    expect(hostCheck({ allowedHosts: null, allowAnyIp: true, trustedProxies: [] })).toBe(null);
  });

  it('the host that a request names is remembered for a limited number of names', () => {
    for (let i = 0; i < 3_000; i++) expect(check({ host: `h${i}.evil.com` })).toBe(false);
    expect(check({ host: 'example.com' })).toBe(true);
  });
});

describe('an agent', () => {
  it('answers its own names and turns others away, but for health checks', async () => {
    const { api, admin } = await startDoor();
    for (const host of ['127.0.0.1:8080', 'localhost'])
      expect((await api({ path: '/v1/config', headers: { host } })).status).toBe(200);
    const refused = await api({ path: '/v1/config', headers: { host: 'evil.com' } });
    expect(refused.status).toBe(404);
    expect(refused.json()).toEqual({ error: 'invalid request host' });
    expect((await admin({ path: '/config', headers: { host: 'evil.com' } })).status).toBe(404);
    for (const path of ['/health', '/health/ready?x=1'])
      expect((await admin({ path, headers: { host: '10.0.0.9:8088' } })).status).toBe(200);
    expect((await api({ path: '/healthy', headers: { host: 'evil.com' } })).json()).toEqual({
      error: 'invalid request host',
    });
    expect((await admin({ path: '/metrics', headers: { accept: 'text/plain' } })).text).toContain(
      'route="refused at the api port",status="404"} 2',
    );
  });

  it('names its SDK keys to no page of another site that asks for its health', async () => {
    const { api, admin } = await startDoor();
    for (const door of [api, admin]) {
      const own = await door({ path: '/health', headers: { host: 'localhost' } });
      expect(own.text).toContain(KEY);
      const other = await door({ path: '/health', headers: { host: 'evil.com' } });
      expect(other.status).toBe(200);
      expect(other.json()).toEqual({ status: 'ok', details: expect.stringContaining('ALLOWEDHOSTS') });
    }
  });

  it('believes no page that names another host beside its own', async () => {
    const env = { OPTIMIZELY_SERVER_ALLOWEDHOSTS: 'flags.example' };
    const forwarded = [{ 'x-forwarded-host': 'flags.example' }, { forwarded: 'host=flags.example' }];
    const { api, admin } = await startDoor({ env });
    const behindProxy = await startDoor({ env: { ...env, FANOUT_TRUSTED_PROXIES: '127.0.0.0/8' } });
    for (const named of forwarded) {
      const headers = { host: 'evil.com', ...named };
      expect((await api({ path: '/v1/config', headers })).status).toBe(404);
      expect((await behindProxy.api({ path: '/v1/config', headers })).status).toBe(200);
      for (const door of [admin, behindProxy.admin])
        for (const path of ['/config', '/metrics']) expect((await door({ path, headers })).status).toBe(404);
    }
  });

  it('answers the hosts that were chosen, or any', async () => {
    const chosen = await startDoor({ env: { OPTIMIZELY_SERVER_ALLOWEDHOSTS: 'flags.example,.svc' } });
    const statusOf = async (door: typeof chosen, host: string) =>
      (await door.api({ path: '/v1/config', headers: { host } })).status;
    expect(await statusOf(chosen, 'flags.example:8080')).toBe(200);
    expect(await statusOf(chosen, 'agent.default.svc')).toBe(200);
    expect(await statusOf(chosen, '127.0.0.1')).toBe(200);
    expect(await statusOf(chosen, 'localhost')).toBe(404);
    const any = await startDoor({ env: { OPTIMIZELY_SERVER_ALLOWEDHOSTS: '.' } });
    expect(await statusOf(any, 'evil.com')).toBe(200);
  });
});
