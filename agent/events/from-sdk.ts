// The SDK's side: its forwarding processor hands over one event at a time, within the call, and this takes it apart.
// Batching, sending and keeping are the sink's, shared by the clients of all keys and revisions.

import type { SdkDispatcher } from '../decisions/sdk-types.ts';
import type { EventSink } from './event.ts';

type Head = Readonly<Record<string, unknown>>;

/** The SDK's answer for every event: that it is kept, not yet that it was sent. */
const TAKEN = Promise.resolve({});

/** Never throws or rejects: a decision must not fail for its event. */
export function createSdkDispatcher(sink: EventSink): SdkDispatcher {
  // Events of one datafile have the same head: comparing a few strings saves writing it for each.
  let last: Head = {};
  let head = '';
  return {
    dispatchEvent({ url, params }) {
      const { visitors, ...rest } = params as Head & { visitors: readonly unknown[] };
      if (!sameFields(rest, last)) {
        last = rest;
        head = JSON.stringify(rest);
      }
      for (const visitor of visitors) sink.add(url, head, JSON.stringify(visitor));
      return TAKEN;
    },
  };
}

/** The fields are the SDK's, always the same ones; their values are texts and truths. */
function sameFields(a: Head, b: Head): boolean {
  for (const name in a) if (a[name] !== b[name]) return false;
  return true;
}
