// Lambda entry of the webhook: wiring only. POST /webhooks/optimizely over an HTTP API.

import '../../io/compile-early.ts';
import { randomUUID } from 'node:crypto';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { requireOutboundRoute } from '../../io/outbound-route.ts';
import { wireWriter } from '../wire.ts';
import { createGuard } from './guard.ts';
import { requestOf, responseOf } from './http-event.ts';
import { receiveWebhook } from './receive-webhook.ts';

requireOutboundRoute(process.env);
const { settings, projects, deps, telemetry } = wireWriter('webhook', {
  env: process.env,
  nowMs: Date.now,
  random: Math.random,
  newId: randomUUID,
});

const guard = createGuard(settings.guard, deps);

export async function handler(event: APIGatewayProxyEventV2): Promise<APIGatewayProxyStructuredResultV2> {
  try {
    return responseOf(await receiveWebhook(deps, { ...settings, projects, guard }, requestOf(event)));
  } finally {
    telemetry.flush();
  }
}
