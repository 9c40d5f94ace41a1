// One user on the shipped bus by hand: what it may do, and what the server refuses it, in the server's own words.

import { connect, Events, type NatsConnection } from 'nats.ws';
import { onTestFinished } from 'vitest';
import { inboxPrefix } from '../../../core/record/names.ts';
import { type BusUser, PASSWORDS } from './shipped-nats.ts';

export class BusGuest {
  readonly connection: NatsConnection;
  readonly #refusals: string[] = [];

  constructor(connection: NatsConnection) {
    this.connection = connection;
    void this.#watch();
  }

  /** What the server refused while this was tried, as `publish <subject>` or `subscription <subject>`. */
  async refusals(attempt: (connection: NatsConnection) => void): Promise<readonly string[]> {
    const before = this.#refusals.length;
    attempt(this.connection);
    // Two rounds: the refusal is on the wire before the first pong, and told a turn later.
    await this.connection.flush();
    await this.connection.flush();
    return this.#refusals.slice(before);
  }

  async #watch(): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type !== Events.Error) continue;
      const { operation, subject } = status.permissionContext ?? { operation: status.data, subject: '' };
      this.#refusals.push(`${operation} ${subject}`);
    }
  }
}

/** Connected for one test. */
export async function guestAt(url: string, user: BusUser, password = PASSWORDS[user]): Promise<BusGuest> {
  const connection = await connect({ servers: url, user, pass: password, inboxPrefix: inboxPrefix(user) });
  onTestFinished(() => connection.close());
  return new BusGuest(connection);
}
