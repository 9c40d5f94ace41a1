// Lambda entry of the webhook: wiring only. POST /webhooks/optimizely over an HTTP API.

import '../../io/compile-early.ts';
import { randomUUID } from 'node:crypto';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { requireOutboundRoute } from '../../io/outbound-route.ts';
import { wireWriter } from '../wire.ts';
import { openConnections } from './connections.ts';
import { createGuard } from './guard.ts';
import { requestOf, responseOf } from './http-event.ts';
import { prepare } from './prepare.ts';
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
await prepare(deps, [() => rehearse(deps, settings), () => openConnections(deps, projects)]);

/** What the schedule sends that keeps one instance warm (serverless.yml). */
interface KeepWarm {
  readonly keepWarm: true;
}

export async function handler(
  event: APIGatewayProxyEventV2 | KeepWarm,
): Promise<APIGatewayProxyStructuredResultV2 | null> {
  try {
    if ('keepWarm' in event) {
      await prepare(deps, [() => openConnections(deps, projects)]);
      return null;
    }
    return responseOf(await receiveWebhook(deps, { ...settings, projects, guard }, requestOf(event)));
  } finally {
    telemetry.flush();
  }
}
