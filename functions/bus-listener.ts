// Hears what agents say on a connection, within limits. Knows no client library: whatever can subscribe will do.

import { REPORT_BYTES_MAX, REPORTS_MAX } from '../core/canary.ts';
import { CANARY_SUBJECTS } from '../core/names.ts';
import type { Heard } from './ports.ts';

interface Subscribes {
  subscribe(
    subject: string,
    options: { callback: (error: Error | null, message: { readonly data: Uint8Array }) => void },
  ): { unsubscribe(): void };
}

/** From now on until the returned function is called. */
export function hearAgents(connection: Subscribes): () => Heard {
  const payloads: Uint8Array[] = [];
  let refused: Error | null = null;
  const subscription = connection.subscribe(CANARY_SUBJECTS, {
    callback: (error, { data } = { data: new Uint8Array(0) }) => {
      if (error !== null) refused = error;
      // Beyond what is judged by anyway, nothing is kept: agents can say as much as they like.
      else if (payloads.length < REPORTS_MAX && data.byteLength <= REPORT_BYTES_MAX) payloads.push(data);
    },
  });
  return () => {
    // Without the permission to listen there is nothing to end.
    if (refused === null) subscription.unsubscribe();
    return { payloads, error: refused };
  };
}
