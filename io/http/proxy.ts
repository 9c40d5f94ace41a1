// How this process leaves through the proxy that its environment names. Set once at the entry, before anything is asked; what
// is made afterwards goes by it: fetch(), WebSocket, and agents of node:http with proxyAgentOptions().

import http from 'node:http';
import { type ProxySettings, type ProxyVariables, readProxySettings } from '../../core/http/proxy.ts';

/** undici's own registry entry, by which its setGlobalDispatcher() reaches the fetch() and the WebSocket inside of Node. */
const GLOBAL_DISPATCHER = Symbol.for('undici.globalDispatcher.1');

interface Dispatcher {
  dispatch(options: { readonly origin: string | URL; readonly upgrade?: unknown }, handler: unknown): boolean;
}
type ProxyDispatcher = new (options: object) => Dispatcher;

let current: ProxySettings = readProxySettings({});

/** Whether this URL is asked by the proxy, which then resolves its name. */
export const goesByProxy = (url: URL): boolean => current.goesByProxy(url);

/** Sends what a WebSocket begins with, as fetch() and WebSocket do that were not told otherwise. */
export function dispatch(...request: Parameters<Dispatcher['dispatch']>): boolean {
  const globals = globalThis as unknown as Record<symbol, Dispatcher | undefined>;
  const dispatcher = globals[GLOBAL_DISPATCHER];
  if (dispatcher === undefined) throw new Error('this Node keeps no dispatcher: Node 24 does');
  return dispatcher.dispatch(...request);
}

/** Whether this is the name of the proxy itself. */
export const isProxyHost = (hostname: string): boolean =>
  [current.httpProxy, current.httpsProxy].some((url) => url !== null && new URL(url).hostname === hostname);

/**
 * For agents of node:http and node:https, and for clients that make theirs with such options.
 * @param url of all that the agent asks, where that is known; left out, the agent decides by the host, but for networks of IPv6
 */
export function proxyAgentOptions(url?: URL): { readonly proxyEnv?: Record<string, string> } {
  const { httpProxy, httpsProxy, noProxy } = current;
  if (httpProxy === null && httpsProxy === null) return {};
  if (url !== undefined && !goesByProxy(url)) return {};
  return {
    proxyEnv: {
      ...(httpProxy === null ? {} : { http_proxy: httpProxy }),
      ...(httpsProxy === null ? {} : { https_proxy: httpsProxy }),
      no_proxy: noProxy,
    },
  };
}

/** From now on. Whether the environment's settings are right is in the result. @returns also how to undo it, for tests */
export function useProxies(env: ProxyVariables): ProxySettings & { undo(): void } {
  const before = current;
  current = readProxySettings(env);
  const { proxyEnv } = proxyAgentOptions();
  if (proxyEnv !== undefined && http.setGlobalProxyFromEnv === undefined) {
    const problem = `HTTPS_PROXY and HTTP_PROXY need Node 24.14 or newer; this is ${process.version}`;
    return { ...current, problems: [...current.problems, problem], undo: () => {} };
  }
  const restoreAgents = proxyEnv === undefined ? () => {} : setGlobals(proxyEnv, current);
  const undo = () => {
    restoreAgents();
    current = before;
  };
  return { ...current, undo };
}

/**
 * Node sets its own agents, and fetch() with rules of another library: that one knows no networks in NO_PROXY, lets http URLs
 * through by CONNECT, which many proxies refuse to port 80, and asks https by HTTP_PROXY. So it is handed the decision.
 */
function setGlobals(proxyEnv: Record<string, string>, settings: ProxySettings): () => void {
  const globals = globalThis as unknown as Record<symbol, Dispatcher | undefined>;
  const restore = http.setGlobalProxyFromEnv(proxyEnv);
  const byProxy = globals[GLOBAL_DISPATCHER];
  if (byProxy === undefined) return restore;
  const Proxied = byProxy.constructor as ProxyDispatcher;
  const urls = { httpProxy: settings.httpProxy ?? undefined, httpsProxy: settings.httpsProxy ?? undefined };
  const forwarded = new Proxied({ ...urls, noProxy: '', proxyTunnel: false });
  // A request that becomes another protocol needs a tunnel (RFC 6455, 4.1).
  const tunnelled = new Proxied({ ...urls, noProxy: '' });
  const direct = new Proxied({ ...urls, noProxy: '*' });
  globals[GLOBAL_DISPATCHER] = {
    dispatch: (options, handler) => {
      if (!settings.goesByProxy(new URL(options.origin))) return direct.dispatch(options, handler);
      return (options.upgrade === undefined ? forwarded : tunnelled).dispatch(options, handler);
    },
  };
  return restore;
}
