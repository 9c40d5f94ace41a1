// Hears what agents say on a connection, within limits. Knows no client library: anything that can subscribe will do.

import { FleetReports } from '../../core/bus/fleet-reports.ts';
import { CANARY_SUBJECTS } from '../../core/record/names.ts';
import type { Heard } from '../ports.ts';

interface Subscribes {
  subscribe(
    subject: string,
    options: { callback: (error: Error | null, message: { readonly data: Uint8Array }) => void },
  ): { unsubscribe(): void };
}

/** From now on until the returned function is called. */
export function hearAgents(connection: Subscribes): () => Heard {
  const heard = new FleetReports();
  let refused: Error | null = null;
  let isOver = false;
  const end = () => {
    // Without the permission to listen there is nothing to end.
    if (!isOver && refused === null) subscription.unsubscribe();
    isOver = true;
  };
  const subscription = connection.subscribe(CANARY_SUBJECTS, {
    callback: (error, { data } = { data: new Uint8Array(0) }) => {
      if (error !== null) refused = error;
      // Read as it comes, so that no payload is kept; past the limits the server is told to send no more.
      else if (!isOver && !heard.add(data)) end();
    },
  });
  return () => {
    end();
    return { reports: heard.reports, isCutShort: heard.isCutShort, error: refused };
  };
}
