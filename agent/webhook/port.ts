// The webhook port, wired: where it is configured, and what a webhook sets in motion. Knows nothing of the API.

import type { Clock } from '../../core/clock.ts';
import type { SdkKey } from '../../core/ids.ts';
import type { AgentConfig } from '../config.ts';
import { portOptions, type ServeDeps } from '../http/ports.ts';
import { HttpServer } from '../http/server.ts';
import type { Inlets } from '../inlets.ts';
import type { Keys } from '../keys.ts';
import type { AnyStore } from '../store.ts';
import { Refresher } from './refresh.ts';
import { isWebhookUsed, webhookRoutes } from './routes.ts';

export interface WebhookPortDeps extends ServeDeps {
  readonly clock: Clock;
  readonly keys: Keys;
  readonly store: Pick<AnyStore, 'get'>;
  readonly inlets: Inlets;
}

export class WebhookPort {
  readonly #config: AgentConfig;
  readonly #refresher: Refresher;
  readonly #server: HttpServer | null;

  constructor(config: AgentConfig, deps: WebhookPortDeps) {
    this.#config = config;
    this.#refresher = createRefresher(deps);
    const settings = config.webhook;
    const refresh = (sdkKey: SdkKey, revision: number) => void this.#refresher.refresh(sdkKey, revision);
    this.#server = isWebhookUsed(settings)
      ? new HttpServer(
          webhookRoutes({ settings, refresh, log: deps.log }),
          portOptions(config, 'webhook', deps),
        )
      : null;
  }

  /** Resolves with the port; null when nothing is configured for it. */
  async open(): Promise<number | null> {
    return (await this.#server?.listen(this.#config.host, this.#config.webhook.port)) ?? null;
  }

  async close(): Promise<void> {
    this.#refresher.stop();
    await this.#server?.close();
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
