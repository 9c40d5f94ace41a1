// Agents for many destinations, of which some go by the proxy.

import type { Agent } from 'node:http';
import { expect, it, onTestFinished } from 'vitest';
import { Agents } from '../../../io/http/agents.ts';
import { useProxies } from '../../../io/http/proxy.ts';

const made = (env: Record<string, string>) => {
  const { undo } = useProxies(env);
  const agents = new Agents({ keepAlive: true });
  onTestFinished(() => {
    agents.destroy();
    undo();
  });
  return (url: string) => agents.of(new URL(url));
};
const proxyOf = (agent: Agent) => (agent as Agent & { options: { proxyEnv?: object } }).options.proxyEnv;

it('a destination in a network of NO_PROXY is asked directly, also in one of IPv6', () => {
  const of = made({
    HTTP_PROXY: 'http://p:3128',
    HTTPS_PROXY: 'http://p:3128',
    NO_PROXY: 'fd00::/8,10.0.0.0/8',
  });
  for (const url of ['http://[fd12::1]/', 'https://[fd12::1]/', 'https://10.1.2.3/'])
    expect(proxyOf(of(url))).toBeUndefined();
  for (const url of ['http://[2001:db8::1]/', 'https://a.example/'])
    expect(proxyOf(of(url))).toMatchObject({ https_proxy: 'http://p:3128/' });
});

it('connections are kept by protocol and way, not by destination', () => {
  const of = made({ HTTPS_PROXY: 'http://p:3128', NO_PROXY: 'b.example' });
  expect(of('https://a.example/')).toBe(of('https://c.example/'));
  expect(of('https://a.example/')).not.toBe(of('https://b.example/'));
  expect(of('http://a.example/')).not.toBe(of('https://b.example/'));
});
