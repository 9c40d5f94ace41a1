// The webhook port's routes: Optimizely's webhook, and that the port is there.

import type { WebhookSettings } from '../config.ts';
import type { Route } from '../http/server.ts';
import { forwardWebhook } from './forward.ts';
import { type ReceiveDeps, receiveWebhook } from './receive.ts';

export interface WebhookDeps extends Omit<ReceiveDeps, 'projects'> {
  readonly settings: WebhookSettings;
}

export function webhookRoutes({ settings, ...deps }: WebhookDeps): readonly Route[] {
  const { receiverUrl, projects } = settings;
  const handle =
    receiverUrl === null
      ? receiveWebhook({ projects, ...deps })
      : forwardWebhook({ receiverUrl, log: deps.log });
  return [
    { method: 'POST', path: '/webhooks/optimizely', handle },
    { method: 'GET', path: '/health', handle: (exchange) => exchange.json(200, { status: 'ok' }) },
  ];
}
