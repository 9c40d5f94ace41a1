// What a check of an agent is told of its link to the bus: also what the agent itself cannot see.

import type { Message } from '../services/nats-server.ts';

/** Told of what a check of the receiver has to know. */
export interface LinkWatch {
  /** `up` once the server knows all subscriptions of this connection. */
  link(up: boolean): void;
  /** Something on this link was held up or lost, and the client can see that. */
  troubled(): void;
  /** This message did not arrive as it was sent, and the client cannot see that. */
  lost(message: Message): void;
  /** Its headers arrived, and another payload. */
  spoilt(message: Message): void;
  heard(message: Message): void;
}
