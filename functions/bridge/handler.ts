// Lambda entry of the bridge: wiring only. Subscribed to the topic with the filter kind = published; one per NATS cluster.

import '../../io/compile-early.ts';
import { randomUUID } from 'node:crypto';
import type { SNSEvent } from 'aws-lambda';
import { requireOutboundRoute } from '../../io/http/outbound-route.ts';
import { wireReader } from '../wire.ts';
import { createBridge } from './bridge.ts';

requireOutboundRoute(process.env);
const { deps, telemetry } = wireReader('bridge', {
  env: process.env,
  nowMs: Date.now,
  random: Math.random,
  newId: randomUUID,
});
const bridge = createBridge(deps);

/** Throws so that Lambda tries again, and keeps the event for the dead-letter queue in the end. */
export async function handler(event: SNSEvent): Promise<void> {
  try {
    await bridge(event.Records.map((record) => record.Sns.Message));
  } finally {
    telemetry.flush();
  }
}
