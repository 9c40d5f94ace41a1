// The webhook port, wired, and what a webhook sets in motion. It is open also where nothing is configured for it: load
// balancers and Kubernetes check the original's port. Knows nothing of the API.

import type { Clock } from '../../core/clock.ts';
import type { SdkKey } from '../../core/ids.ts';
import type { AgentConfig } from '../config/config.ts';
import type { AgentSources } from '../datafiles/agent-sources.ts';
import type { Keys } from '../datafiles/keys/keys.ts';
import type { AnyStore } from '../datafiles/store.ts';
import type { HealthSource } from '../http/admin/health.ts';
import { portOptions, type ServeDeps, withHealthAt } from '../http/door/ports.ts';
import { noRouteOfWebhooks } from '../http/door/unrouted.ts';
import { listenAt } from '../http/kernel/listen-at.ts';
import { RouteServer } from '../http/kernel/server.ts';
import { Refresher } from './refresh.ts';
import { webhookRoutes } from './routes.ts';

export interface WebhookPortDeps extends ServeDeps {
  readonly clock: Clock;
  readonly keys: Keys;
  readonly store: Pick<AnyStore, 'get'>;
  readonly inlets: AgentSources;
  readonly status: Pick<HealthSource, 'ready'>;
}

export class WebhookPort {
  readonly #config: AgentConfig;
  readonly #refresher: Refresher;
  readonly #server: RouteServer;

  constructor(config: AgentConfig, deps: WebhookPortDeps) {
    this.#config = config;
    this.#refresher = createRefresher(deps);
    const routes = webhookRoutes({
      settings: config.webhook,
      status: deps.status,
      refresh: (sdkKey: SdkKey, revision: number) => void this.#refresher.refresh(sdkKey, revision),
      glance: (sdkKey: SdkKey) => void this.#refresher.glance(sdkKey),
      log: deps.log,
    });
    const withHealth = withHealthAt(config.server.healthCheckPath, routes);
    this.#server = new RouteServer(withHealth, {
      ...portOptions(config, 'webhook', deps),
      unrouted: noRouteOfWebhooks,
    });
  }

  /** Resolves with the port when it listens. @throws FanoutError PORT_UNAVAILABLE */
  open(): Promise<number> {
    return listenAt(this.#server, 'webhook', this.#config.host, this.#config.webhook.port);
  }

  async close(): Promise<void> {
    this.#refresher.stop();
    await this.#server.close();
  }
}

function createRefresher({ clock, store, keys, inlets: { record, cdn } }: WebhookPortDeps): Refresher {
  return new Refresher({
    ...{ clock, store },
    askRecord: record === null ? null : (sdkKey) => record.refresh(sdkKey),
    askCdn: (sdkKey) => cdn.watch(sdkKey),
    serves: (sdkKey) => [...keys.all()].some((key) => key.sdkKey === sdkKey),
  });
}
