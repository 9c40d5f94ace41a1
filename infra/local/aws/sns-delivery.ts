// From a topic to the functions behind it, as Lambda's asynchronous invocation does it: a failed one is tried twice
// more, then it is in the dead-letter queue. Knows functions only as URLs.

import type { Clock } from '../../../core/clock.ts';
import { messageOf } from '../../../core/errors.ts';

/** Lambda waits one minute before the second try and two before the third. */
export const LAMBDA_RETRY_DELAYS_MS: readonly number[] = [60_000, 120_000];
/** Lambda's longest invocation is 15 minutes; a function that hangs locally should be noticed sooner. */
const INVOCATION_TIMEOUT_MS = 60_000;

/** SNS and Lambda's queue take tens of milliseconds, so here the direct path is ahead of the bridge as it is in AWS. */
export const DELIVERY_DELAY_MS = 40;

/** A function that is subscribed to the topic. */
export interface Subscription {
  readonly functionName: string;
  /** POST with the event as JSON: 200 for a success, anything else for a failure. */
  readonly invokeUrl: string;
  /** Filter policy `{"kind": ["…"]}`; without it every message is delivered. */
  readonly kind?: string | undefined;
}

export interface DeadLetter {
  readonly functionName: string;
  readonly attempts: number;
  readonly error: string;
  readonly event: unknown;
}

export interface Deliveries {
  deliver(subscription: Subscription, event: unknown): void;
  readonly deadLetters: DeadLetter[];
  readonly counts: { delivered: number; failedAttempts: number; waiting: number };
}

export function createDeliveries(clock: Clock, retryDelaysMs: readonly number[]): Deliveries {
  const deadLetters: DeadLetter[] = [];
  const counts = { delivered: 0, failedAttempts: 0, waiting: 0 };

  const attempt = async (subscription: Subscription, event: unknown, attempts: number): Promise<void> => {
    const error = await invoke(subscription.invokeUrl, event);
    if (error === undefined) {
      counts.delivered++;
      counts.waiting--;
      return;
    }
    counts.failedAttempts++;
    const delayMs = retryDelaysMs[attempts - 1];
    if (delayMs === undefined) {
      counts.waiting--;
      deadLetters.push({ functionName: subscription.functionName, attempts, error, event });
      return;
    }
    clock.after(delayMs, () => void attempt(subscription, event, attempts + 1));
  };

  return {
    deadLetters,
    counts,
    deliver(subscription, event) {
      counts.waiting++;
      clock.after(DELIVERY_DELAY_MS, () => void attempt(subscription, event, 1));
    },
  };
}

/** What went wrong, or undefined. Never rejects: a function that is away has failed like one that throws. */
async function invoke(url: string, event: unknown): Promise<string | undefined> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(event),
      signal: AbortSignal.timeout(INVOCATION_TIMEOUT_MS),
    });
    const text = await response.text();
    return response.ok ? undefined : text.slice(0, 2_000);
  } catch (error) {
    return error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
  }
}
