// The webhook port's routes: Optimizely's webhook, and whether the port is there and the agent ready.

import type { WebhookSettings } from '../config/config.ts';
import { type HealthSource, probeHandlers } from '../http/admin/health.ts';
import type { Route } from '../http/kernel/route.ts';
import { mount, ROUTES } from '../http/routes.ts';
import { forwardWebhook } from './forward.ts';
import { type ReceiveDeps, receiveWebhook } from './receive.ts';

export interface WebhookDeps extends Omit<ReceiveDeps, 'projects'> {
  readonly settings: WebhookSettings;
  readonly status: Pick<HealthSource, 'ready'>;
}

export function webhookRoutes({ settings, status, ...deps }: WebhookDeps): readonly Route[] {
  const { receiverUrl, projects } = settings;
  const handle =
    receiverUrl === null
      ? receiveWebhook({ projects, ...deps })
      : forwardWebhook({ receiverUrl, log: deps.log });
  return mount(ROUTES.webhook, {
    'POST /webhooks/optimizely': handle,
    'GET /health': (exchange) => exchange.json(200, { status: 'ok' }),
    ...probeHandlers(status),
  });
}
