// GET /v1/notifications/event-stream: decisions, tracked events and datafile changes as they happen, of every agent on
// the bus. `filter` names the kinds, `raw` leaves out the framing.

import type { NotificationHub } from '../../notifications/hub.ts';
import { kindsOf } from '../../notifications/notification.ts';
import type { FlagHandler } from '../door/with-datafile.ts';
import type { EventStreams } from '../kernel/sse.ts';

export interface EventStreamDeps {
  readonly hub: NotificationHub;
  readonly streams: EventStreams;
  readonly enabled: boolean;
}

export function eventStream({ hub, streams, enabled }: EventStreamDeps): FlagHandler {
  return (exchange, { sdkKey }) => {
    if (!enabled) {
      exchange.text(403, 'Notification stream not enabled\n');
      return;
    }
    // Listening is work for other agents too, so a client that will be refused must not cause it.
    if (streams.refuses(exchange)) return;
    const kinds = kindsOf(exchange.query('filter'));
    const raw = exchange.query('raw').length > 0;
    const waiting: string[] = [];
    let send = (text: string): void => void waiting.push(text);
    const unlisten = hub.listen(sdkKey, ({ kind, text }) => {
      if (kinds.has(kind)) send(text);
    });
    const begin = (): void => {
      const stream = streams.open(exchange, { raw }, unlisten);
      if (stream === null) {
        unlisten();
        return;
      }
      send = (text) => stream.send(text);
      for (const text of waiting) send(text);
    };
    // The answer begins when the other agents know: a client that sees it misses nothing that is decided from then on.
    hub
      .settled()
      .then(begin)
      .catch((error) => {
        unlisten();
        streams.failed(error);
      });
  };
}
