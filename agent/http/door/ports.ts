// The API and the admin port, each a thing to open and close: what stands before their routes is wired here, from the
// settings. Which routes there are is said elsewhere.

import type { Clock } from '../../../core/clock.ts';
import type { AgentConfig } from '../../config/config.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import { type AdminDeps, adminHandlers, identityHeaders } from '../admin/admin.ts';
import { createPortAuth, type PortAuth } from '../auth/port.ts';
import { listenAt, type PortName } from '../kernel/listen-at.ts';
import type { Route } from '../kernel/route.ts';
import { endsIn } from '../kernel/router.ts';
import { RouteServer, type ServeOptions } from '../kernel/server.ts';
import { BESIDE_OPERATIONS, type Handlers, mount, OPERATIONS, ROUTES } from '../routes.ts';
import { createFrontDoor } from './front-door.ts';
import { noRoute, type Unrouted } from './unrouted.ts';

export type ServeDeps = Pick<ServeOptions, 'log' | 'metrics' | 'monotonicMs'>;
export type PortDeps = ServeDeps & { readonly clock: Clock };
export interface ApiPortDeps
  extends PortDeps,
    Pick<ServeOptions, 'onAnswered' | 'newRequestId' | 'turns' | 'answers'> {
  readonly metrics: Metrics;
  readonly unrouted: Unrouted;
}

/** What answers the API port's routes, but for the token's, which is the port's own. */
export interface ApiHandlers {
  readonly operations: Handlers<typeof OPERATIONS>;
  /** @param operations as they are mounted, for batches of them */
  readonly beside: (
    operations: readonly Route[],
  ) => Omit<Handlers<typeof BESIDE_OPERATIONS>, 'POST /oauth/token'>;
}

export type AdminRouteDeps = Omit<AdminDeps, 'config'>;

/** How a port serves: its limits, TLS, and what requests meet first. Webhooks and the admin port are not for browsers. */
export function portOptions(
  { server, api, admin }: AgentConfig,
  port: PortName,
  { log, metrics, monotonicMs, newRequestId }: ServeDeps & Pick<ServeOptions, 'newRequestId'>,
): ServeOptions {
  const refused = metrics.route(`refused at the ${port} port`);
  const door = createFrontDoor({
    ...(port === 'admin' ? { ...server, ...admin } : server),
    cors: port === 'api' ? api.cors : null,
    maxConns: port === 'api' ? api.maxConns : 0,
    onRefused: (status) => refused.record(status, 0),
    ...(newRequestId ? { newRequestId } : {}),
  });
  return { log, metrics, monotonicMs, listener: server, door };
}

/** Routes at an address, with the tokens that they ask for. */
export class Port {
  readonly #name: PortName;
  readonly #host: string;
  readonly #port: number;
  readonly #auth: PortAuth;
  readonly #server: RouteServer;

  constructor(name: PortName, host: string, port: number, auth: PortAuth, server: RouteServer) {
    this.#name = name;
    this.#host = host;
    this.#port = port;
    this.#auth = auth;
    this.#server = server;
  }

  /** Resolves with the port when it listens. @throws FanoutError PORT_UNAVAILABLE */
  open(): Promise<number> {
    this.#auth.start();
    return listenAt(this.#server, this.#name, this.#host, this.#port);
  }

  async close(): Promise<void> {
    await this.#server.close();
    this.#auth.stop();
  }
}

export function createApiPort(config: AgentConfig, deps: ApiPortDeps, handlers: ApiHandlers): Port {
  const { metrics, unrouted, onAnswered = null, newRequestId, turns, answers } = deps;
  const auth = createPortAuth('api', config.api.auth, deps);
  const timer = (name: string) => metrics.timer(name);
  const operations = auth.guard(mount(OPERATIONS, handlers.operations, timer));
  const beside = { ...handlers.beside(operations), 'POST /oauth/token': auth.token };
  const all = [...operations, ...auth.guard(mount(BESIDE_OPERATIONS, beside, timer))];
  const options = {
    ...portOptions(config, 'api', deps),
    unrouted,
    onAnswered,
    ...(newRequestId ? { newRequestId } : {}),
    ...(turns ? { turns } : {}),
    ...(answers ? { answers } : {}),
  };
  const server = new RouteServer(withHealthAt(config.server.healthCheckPath, all), options);
  return new Port('api', config.host, config.apiPort, auth, server);
}

export function createAdminPort(config: AgentConfig, deps: PortDeps, routes: AdminRouteDeps): Port {
  const auth = createPortAuth('admin', config.admin.auth, deps);
  const handlers = { ...adminHandlers({ config, ...routes }), 'POST /oauth/token': auth.token };
  const all = withHealthAt(config.server.healthCheckPath, auth.guard(mount(ROUTES.admin, handlers)));
  const server = new RouteServer(all, {
    ...portOptions(config, 'admin', deps),
    unrouted: (exchange, path, methods) => {
      Object.assign(exchange.headers, identityHeaders(config));
      return noRoute(exchange, path, methods);
    },
  });
  return new Port('admin', config.admin.host, config.adminPort, auth, server);
}

/**
 * Health at every path that ends as configured, which goes before any other route there, as in the original; beside it
 * where it always is, with its own two below.
 */
export function withHealthAt(path: string, routes: readonly Route[]): readonly Route[] {
  const ending = path.toLowerCase();
  const isCovered = (route: Route): boolean =>
    route.method === 'GET' && endsIn(route.path, ending) && !/^\/health(?:\/|$)/.test(route.path);
  const health = routes.filter((route) => route.path === '/health');
  return [
    ...routes.filter((route) => !isCovered(route)),
    ...health.map((route) => ({ ...route, path, ending })),
  ];
}
