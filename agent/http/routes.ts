// The table of contents: every path the agent answers, by port. A route is a file beside this one.

import type { Metrics } from '../metrics/metrics.ts';
import { type HealthSource, healthRoutes } from './admin/health.ts';
import { timed } from './door/timed.ts';
import { isHealthPath } from './door/unrouted.ts';
import { withDatafile } from './door/with-datafile.ts';
import type { Route } from './kernel/route.ts';
import { config } from './project/config.ts';
import { datafile } from './project/datafile.ts';
import { type BatchDeps, batchRoute, type RestDeps, restRoutes } from './rest/rest-routes.ts';

export interface ApiDeps extends RestDeps, BatchDeps {
  readonly status: HealthSource;
  /** Streams and what other protocols answer; no part of a batch. */
  readonly protocols: readonly Route[];
  /** Lets only those through who may ask; operations of a batch meet it too. */
  readonly guard: (routes: readonly Route[]) => readonly Route[];
  readonly tokenRoute: Route;
  readonly metrics: Pick<Metrics, 'timer'>;
}

export function apiRoutes(deps: ApiDeps): readonly Route[] {
  const guarded = deps.guard([
    ...restRoutes(deps),
    { method: 'GET', path: '/v1/config', handle: withDatafile(deps, config) },
    { method: 'GET', path: '/v1/datafile', handle: withDatafile(deps, datafile) },
    ...healthRoutes(deps.status),
  ]);
  const routes = timed(guarded, deps.metrics);
  // Health is no part of a batch, as in the original.
  const operations = routes.filter(({ path }) => !isHealthPath(path));
  const others = [batchRoute(deps, operations), ...deps.guard(deps.protocols)];
  return [...routes, ...others, ...timed([deps.tokenRoute], deps.metrics)];
}
