// The table of contents: every path the agent answers, by port. A route is a file beside this one.

import type { Metrics } from '../metrics.ts';
import type { Status } from '../status.ts';
import { config } from './config.ts';
import { datafile } from './datafile.ts';
import { decide } from './decide.ts';
import { healthRoutes } from './health.ts';
import type { Route } from './server.ts';
import { type FlagDeps, withDatafile } from './with-datafile.ts';

export interface ApiDeps extends FlagDeps {
  readonly status: Status;
}

export function apiRoutes(deps: ApiDeps): readonly Route[] {
  return [
    { method: 'POST', path: '/v1/decide', handle: withDatafile(deps, decide) },
    { method: 'GET', path: '/v1/config', handle: withDatafile(deps, config) },
    { method: 'GET', path: '/v1/datafile', handle: withDatafile(deps, datafile) },
    ...healthRoutes(deps.status),
  ];
}

export interface AdminDeps {
  readonly status: Status;
  readonly metrics: Metrics;
}

export function adminRoutes({ status, metrics }: AdminDeps): readonly Route[] {
  return [
    ...healthRoutes(status),
    {
      method: 'GET',
      path: '/metrics',
      handle: async (exchange) => {
        const { contentType, text } = await metrics.scrape();
        exchange.text(200, text, contentType);
      },
    },
    {
      method: 'GET',
      path: '/info',
      handle: (exchange) => exchange.json(200, { app_name: 'datafile-fanout agent', node: process.version }),
    },
  ];
}
