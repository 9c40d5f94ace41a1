// Events of the SDK as Optimizely's Agent sends them: with their region, and without what an endpoint may refuse. Pure.

import type { EventDispatcher } from '../clients.ts';
import { keepCountable } from './conversion.ts';

/** @param region as the datafile names it; asked for when there is an event */
export function outgoing(next: EventDispatcher, region: () => string): EventDispatcher {
  return {
    dispatchEvent(event) {
      for (const { snapshots } of event.params.visitors)
        for (const { events } of snapshots) for (const one of events) keepCountable(one);
      return next.dispatchEvent({ ...event, params: { ...event.params, region: region() } as never });
    },
  };
}
