// The API and the admin port as one thing to open and close: what stands before their routes is wired here, from the
// settings. Which routes there are is said elsewhere.

import type { Clock } from '../../core/clock.ts';
import type { AgentConfig } from '../config.ts';
import { adminRoutes } from './admin.ts';
import { createPortAuth, type PortAuth } from './auth-port.ts';
import { createFrontDoor } from './front-door.ts';
import { type ApiDeps, apiRoutes } from './routes.ts';
import { HttpServer, type Route, type ServeOptions } from './server.ts';

export type ServeDeps = Pick<ServeOptions, 'log' | 'metrics' | 'monotonicMs'>;
export type RouteDeps = Omit<ApiDeps, 'guard' | 'tokenRoute'>;

/** How a port serves: time limits, TLS, and what requests meet first. Webhooks and the admin port are not for browsers. */
export function portOptions(
  { server, api }: AgentConfig,
  port: 'api' | 'admin' | 'webhook',
  { log, metrics, monotonicMs }: ServeDeps,
): ServeOptions {
  const refused = metrics.route(`refused at the ${port} port`);
  const door = createFrontDoor({
    ...server,
    cors: port === 'api' ? api.cors : null,
    maxConns: port === 'api' ? api.maxConns : 0,
    onRefused: (status) => refused.record(status, 0),
  });
  return { log, metrics, monotonicMs, timeouts: server, door };
}

export class Ports {
  readonly #config: AgentConfig;
  readonly #api: HttpServer;
  readonly #admin: HttpServer;
  readonly #auths: readonly PortAuth[];

  constructor(config: AgentConfig, deps: ServeDeps & { readonly clock: Clock }, routes: RouteDeps) {
    this.#config = config;
    const apiAuth = createPortAuth('api', config.api.auth, deps);
    const adminAuth = createPortAuth('admin', config.admin.auth, deps);
    this.#auths = [apiAuth, adminAuth];
    const { status } = routes;
    const { metrics, monotonicMs: uptimeMs } = deps;
    const admin = [
      ...adminAuth.guard(adminRoutes({ config, status, metrics, uptimeMs })),
      adminAuth.tokenRoute,
    ];
    const { healthCheckPath } = config.server;
    const withHealth = (all: readonly Route[]) => withHealthAt(healthCheckPath, all);
    this.#api = new HttpServer(
      withHealth(apiRoutes({ ...routes, ...apiAuth })),
      portOptions(config, 'api', deps),
    );
    this.#admin = new HttpServer(withHealth(admin), portOptions(config, 'admin', deps));
  }

  /** Resolves with the ports when both listen. */
  async open(): Promise<{ readonly apiPort: number; readonly adminPort: number }> {
    const { host, apiPort, adminPort } = this.#config;
    for (const auth of this.#auths) auth.start();
    const [api, admin] = await Promise.all([
      this.#api.listen(host, apiPort),
      this.#admin.listen(host, adminPort),
    ]);
    return { apiPort: api, adminPort: admin };
  }

  /** The API first: whoever watches wants to see how the agent ends. */
  closeApi(): Promise<void> {
    return this.#api.close();
  }

  async closeAdmin(): Promise<void> {
    for (const auth of this.#auths) auth.stop();
    await this.#admin.close();
  }
}

/** Where operators have put it, beside where it always is. */
function withHealthAt(path: string, routes: readonly Route[]): readonly Route[] {
  if (routes.some((route) => route.path === path)) return routes;
  const health = routes.filter((route) => route.path === '/health');
  return [...routes, ...health.map((route) => ({ ...route, path }))];
}
