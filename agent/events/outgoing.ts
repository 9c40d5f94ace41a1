// Events of the SDK as Optimizely's Agent sends them: with their region, and without what an endpoint may refuse. Pure.

import { requestContext } from '../decisions/request-context.ts';
import type { SdkDispatcher, SdkEvent } from '../decisions/sdk-types.ts';
import { keepCountable, keepTags } from './conversion.ts';

type Visitor = SdkEvent['params']['visitors'][number];

const NOT_SENT = Promise.resolve({});

/** @param region as the datafile names it; asked for when there is an event */
export function outgoing(next: SdkDispatcher, region: () => string): SdkDispatcher {
  return {
    dispatchEvent(event) {
      const { visitors } = event.params;
      const { sendsEmptyImpressions, eventTags } = requestContext();
      if (!sendsEmptyImpressions && visitors.every(isEmptyImpression)) return NOT_SENT;
      for (const { snapshots } of visitors)
        for (const { events } of snapshots)
          for (const one of events) {
            keepCountable(one);
            if (eventTags !== null) keepTags(one, eventTags);
          }
      return next.dispatchEvent({ ...event, params: { ...event.params, region: region() } as never });
    },
  };
}

/** Of a user who is in no variation. */
function isEmptyImpression({ snapshots }: Visitor): boolean {
  const [decision] = snapshots[0]?.decisions ?? [];
  return decision !== undefined && decision.metadata.variation_key === '';
}
