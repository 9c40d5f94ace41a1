import { describe, expect, it } from 'vitest';
import { hostCheck } from '../../../agent/http/allowed-hosts.ts';
import { startDoor } from '../support/door.ts';

const allows = (allowedHosts: string[], allowAnyIp = false) => {
  const check = hostCheck({ allowedHosts, allowAnyIp });
  return (headers: Record<string, string>) => check?.(headers);
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

  it('is what the first proxy was called', () => {
    expect(check({ host: 'inside', 'x-forwarded-host': 'example.com:8080, proxy' })).toBe(true);
    expect(check({ host: 'example.com', 'x-forwarded-host': 'evil.com' })).toBe(false);
    expect(check({ host: 'inside', forwarded: 'for=1.2.3.4;host=example.com;proto=https' })).toBe(true);
    expect(check({ host: 'inside', forwarded: 'host="example.com:80"' })).toBe(true);
    expect(check({ host: 'example.com', forwarded: 'host=evil.com' })).toBe(false);
    expect(check({ host: 'example.com', forwarded: 'for=1.2.3.4' })).toBe(true);
  });

  it('may be any address where the agent cannot know its own', () => {
    expect(allows(['0.0.0.0'], true)({ host: '10.1.2.3:8080' })).toBe(true);
    expect(allows(['0.0.0.0'], true)({ host: '[fd00::1]:8080' })).toBe(true);
    expect(allows(['0.0.0.0'], true)({ host: 'evil.com' })).toBe(false);
    expect(allows(['0.0.0.0'])({ host: '10.1.2.3:8080' })).toBe(false);
  });

  it('is not looked at where any will do', () => {
    expect(hostCheck({ allowedHosts: null, allowAnyIp: true })).toBe(null);
  });

  it('is remembered for a limited number of names', () => {
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
