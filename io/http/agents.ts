// Agents of node:http and node:https for many destinations: some are asked by the proxy and some are not, which only the URL
// tells. Connections are kept for each of both.

import http from 'node:http';
import https from 'node:https';
import { goesByProxy, proxyAgentOptions } from './proxy.ts';

export class Agents {
  readonly #options: https.AgentOptions;
  readonly #agents = new Map<string, http.Agent>();

  /** @param options of every agent, beside the proxy */
  constructor(options: https.AgentOptions) {
    this.#options = options;
  }

  /** @param url http: or https: */
  of(url: URL): http.Agent {
    const kind = `${url.protocol} ${goesByProxy(url)}`;
    let agent = this.#agents.get(kind);
    if (agent === undefined) {
      const { Agent } = url.protocol === 'https:' ? https : http;
      agent = new Agent({ ...this.#options, ...proxyAgentOptions(url) });
      this.#agents.set(kind, agent);
    }
    return agent;
  }

  /** Breaks off what is in flight. */
  destroy(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }
}
