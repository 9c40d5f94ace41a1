// The webhook port: one route. Whoever configured neither a receiver nor a project has no use for it.

import type { SdkKey } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import type { WebhookSettings } from '../config.ts';
import type { Route } from '../http/server.ts';
import { forwardWebhook } from './forward.ts';
import { receiveWebhook } from './receive.ts';

export interface WebhookDeps {
  readonly settings: WebhookSettings;
  readonly refresh: (sdkKey: SdkKey, revision: number) => void;
  readonly log: Log;
}

export const isWebhookUsed = ({ receiverUrl, projects }: WebhookSettings): boolean =>
  receiverUrl !== null || projects.size > 0;

export function webhookRoutes({ settings, refresh, log }: WebhookDeps): readonly Route[] {
  const { receiverUrl, projects } = settings;
  const handle =
    receiverUrl === null ? receiveWebhook({ projects, refresh, log }) : forwardWebhook({ receiverUrl, log });
  return [{ method: 'POST', path: '/webhooks/optimizely', handle }];
}
