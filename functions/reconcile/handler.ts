// Lambda entry of reconcile: wiring only. Scheduled every minute, and subscribed to the topic with the filter
// kind = refetch.

import '../../io/compile-early.ts';
import { randomUUID } from 'node:crypto';
import type { ScheduledEvent, SNSEvent } from 'aws-lambda';
import { requireOutboundRoute } from '../../io/http/outbound-route.ts';
import { wireWriter } from '../wire.ts';
import { Quarantine } from './quarantine.ts';
import { reconcileKeys } from './reconcile-keys.ts';
import { refetch } from './refetch.ts';

requireOutboundRoute(process.env);
const { settings, projects, deps, telemetry } = wireWriter('reconcile', {
  env: process.env,
  nowMs: Date.now,
  random: Math.random,
  newId: randomUUID,
});

const quarantine = new Quarantine(settings.quarantine);

/** Throws so that Lambda tries again, and keeps the event for the dead-letter queue in the end. */
export async function handler(event: ScheduledEvent | SNSEvent): Promise<void> {
  try {
    const table = await projects.get();
    if ('Records' in event) {
      const messages = event.Records.map((record) => record.Sns.Message);
      await refetch(deps, table, messages);
    } else await reconcileKeys(deps, { role: settings.role, projects: table, quarantine });
  } finally {
    telemetry.flush();
  }
}
