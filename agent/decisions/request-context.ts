// The request that the SDK works for at the moment. To its listeners the SDK tells less of a decision than Optimizely's Agent
// does, and in other words; the route that asked knows the rest. Holds over every turn that a decision takes.

import { AsyncLocalStorage } from 'node:async_hooks';
import { decisionNotification, type Notification, trackNotification } from '../notifications/notification.ts';
import type { DecisionPayload, TrackPayload } from './sdk-types.ts';

export interface RequestContext {
  /** What listeners are told of a decision. */
  readonly decisionNotification: (decision: DecisionPayload) => Notification;
  /** What listeners are told of a conversion. */
  readonly trackNotification: (track: TrackPayload) => Notification;
  /** Those of a conversion, as they came; null where none is tracked. */
  readonly eventTags: Readonly<Record<string, unknown>> | null;
  /** Whether an impression is sent also of a user who is in no variation. */
  readonly sendsEmptyImpressions: boolean;
}

/** Of a request that differs from none. */
export const PLAIN: RequestContext = {
  decisionNotification: (decision) => decisionNotification(decision),
  trackNotification: (track) => trackNotification(track),
  eventTags: null,
  sendsEmptyImpressions: true,
};

const contexts = new AsyncLocalStorage<RequestContext>();

export const requestContext = (): RequestContext => contexts.getStore() ?? PLAIN;

/** Runs `work`, and all that it leaves for later turns, for a request that differs from others by `context`. */
export const inContext = <T>(context: Partial<RequestContext>, work: () => T): T =>
  contexts.run({ ...PLAIN, ...context }, work);
