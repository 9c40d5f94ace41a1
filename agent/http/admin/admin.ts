// The routes of the admin port beside health: who the agent is, how it is set, and what it counts. Every answer says whose
// it is in its headers, as the original's does.

import type { AgentConfig } from '../../config/config.ts';
import type { Status } from '../../datafiles/health/status.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import type { Route } from '../kernel/route.ts';
import type { Handlers, ROUTES } from '../routes.ts';
import { shownConfig } from './config.ts';
import { expvar } from './expvar.ts';
import { healthHandlers } from './health.ts';

export interface AdminDeps {
  readonly config: AgentConfig;
  readonly status: Status;
  readonly metrics: Metrics;
  /** Since the process began. */
  readonly uptimeMs: () => number;
  /** Where workers count for themselves: brings their counts here. */
  readonly gather?: () => Promise<void>;
}

/** Whose an answer is. */
export function identityHeaders({ identity: { name, author, version } }: Pick<AgentConfig, 'identity'>) {
  return { 'App-Name': inHeader(name), 'App-Version': inHeader(version), Author: inHeader(author) };
}

/** But for the token's, which is the port's. */
export function adminHandlers(deps: AdminDeps): Omit<Handlers<typeof ROUTES.admin>, 'POST /oauth/token'> {
  const { config, status, metrics, uptimeMs } = deps;
  const { name, author, version } = config.identity;
  const about = identityHeaders(config);
  const identified =
    (handle: Route['handle']): Route['handle'] =>
    (exchange) => {
      Object.assign(exchange.headers, about);
      return handle(exchange);
    };
  const health = healthHandlers(status);
  return {
    'GET /health': identified(health['GET /health']),
    'GET /health/live': identified(health['GET /health/live']),
    'GET /health/ready': identified(health['GET /health/ready']),
    'GET /info': identified((exchange) =>
      exchange.json(200, {
        version,
        author,
        app_name: name,
        uptime: duration(uptimeMs()),
        node: process.version,
      }),
    ),
    'GET /config': identified((exchange) => exchange.json(200, shownConfig(config))),
    'GET /metrics': identified(async (exchange) => {
      await deps.gather?.();
      if (isForPrometheus(config.admin.metricsType, exchange.header('accept'))) {
        const { contentType, text } = await metrics.scrape();
        exchange.text(200, text, contentType);
      } else exchange.json(200, expvar(metrics));
    }),
  };
}

function isForPrometheus(type: AgentConfig['admin']['metricsType'], accept: string): boolean {
  if (type === 'negotiated') return /text\/plain|openmetrics/.test(accept);
  return type === 'prometheus' && accept !== 'application/json';
}

/** Headers hold ASCII only; Node throws at anything else. */
const inHeader = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, '?');

/** As Go writes durations: 1h2m3.5s. */
function duration(ms: number): string {
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor(ms / 60_000) % 60;
  const seconds = `${(ms % 60_000) / 1000}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}
