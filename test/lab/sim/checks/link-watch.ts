// What the checks of an agent learn of its link to the bus, also where the agent itself cannot see it.

import type { Message } from '../services/nats-server.ts';

/** Called with the state of a link, for the checks of its client. */
export interface LinkWatch {
  /** `up` once the server knows all subscriptions of this connection. */
  link(up: boolean): void;
  /** Something on this link was held up or lost, and the client can see that. */
  troubled(): void;
  /** This message did not arrive as it was sent, and the client cannot see that. */
  lost(message: Message): void;
  /** The headers of this message arrived with another payload. */
  spoilt(message: Message): void;
  heard(message: Message): void;
}
