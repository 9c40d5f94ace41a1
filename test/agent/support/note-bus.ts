// A bus in memory between the agents of one test: a message goes at once to the subscriptions of all other agents.

import type { NotificationChannel, OnMessage } from '../../../agent/datafiles/sources/side-channel.ts';

export class NoteBus {
  readonly published: { readonly subject: string; readonly payload: Uint8Array }[] = [];
  readonly #subscribed = new Set<{ readonly subject: string; readonly onMessage: OnMessage }>();
  readonly #onUp = new Set<() => void>();

  /** One agent's end of it. */
  channel(): NotificationChannel {
    return {
      publish: (subject, payload) => {
        this.published.push({ subject, payload });
        for (const one of [...this.#subscribed]) if (one.subject === subject) one.onMessage(payload);
      },
      subscribe: (subject, onMessage) => {
        const one = { subject, onMessage };
        this.#subscribed.add(one);
        return () => this.#subscribed.delete(one);
      },
      onUp: (run) => {
        this.#onUp.add(run);
        return () => this.#onUp.delete(run);
      },
      settled: async () => {},
    };
  }

  /** As after an outage. */
  comeUp(): void {
    for (const run of this.#onUp) run();
  }

  subjects(): string[] {
    return this.published.map(({ subject }) => subject);
  }
}
