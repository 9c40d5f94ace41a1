// Lambda entry of the webhook: wiring only. POST /webhooks/optimizely over an HTTP API.

import '../../io/compile-early.ts';
import { randomUUID } from 'node:crypto';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { requireOutboundRoute } from '../../io/http/outbound-route.ts';
import { wireWriter } from '../wire.ts';
import { openConnections } from './connections.ts';
import { createGuard } from './guard.ts';
import { requestOf, responseOf } from './http-event.ts';
import { type KeepWarm, prepare } from './prepare.ts';
import { receiveWebhook } from './receive-webhook.ts';
import { rehearse } from './rehearsal.ts';

requireOutboundRoute(process.env);
const { settings, projects, deps, telemetry } = wireWriter('webhook', {
  env: process.env,
  nowMs: Date.now,
  random: Math.random,
  newId: randomUUID,
});

const guard = createGuard(settings.guard, deps);

// While Lambda starts an instance it has a whole processor, whatever the function's memory; afterwards its share.
const connect = () => openConnections(deps, projects);
await prepare(deps, [(timeIsUp) => rehearse(deps, settings, timeIsUp), connect]);

export async function handler(
  event: APIGatewayProxyEventV2 | KeepWarm,
): Promise<APIGatewayProxyStructuredResultV2 | undefined> {
  try {
    if ('keepWarm' in event) return await prepare(deps, [connect]);
    return responseOf(await receiveWebhook(deps, { ...settings, projects, guard }, requestOf(event)));
  } finally {
    telemetry.flush();
  }
}
