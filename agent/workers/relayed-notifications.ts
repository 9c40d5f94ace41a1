// Notes in a worker: the hub uses it as the bus, but it relays to the primary, which connects workers and bus.

import type { NotificationChannel, OnMessage } from '../datafiles/sources/side-channel.ts';
import type { NotificationMessage, PrimaryPeer } from './messages.ts';

export class RelayedNotifications implements NotificationChannel {
  readonly #primary: PrimaryPeer;
  readonly #settle: () => Promise<void>;
  readonly #listeners = new Map<string, Set<OnMessage>>();
  readonly #onUp = new Set<() => void>();

  constructor(primary: PrimaryPeer, settle: () => Promise<void>) {
    this.#primary = primary;
    this.#settle = settle;
  }

  publish(subject: string, payload: Uint8Array): void {
    this.#primary.tell('note', { subject, payload });
  }

  subscribe(subject: string, onMessage: OnMessage): () => void {
    const listeners = this.#listeners.get(subject) ?? new Set();
    if (listeners.size === 0) this.#primary.tell('subscribe', subject);
    this.#listeners.set(subject, listeners.add(onMessage));
    return () => {
      if (!listeners.delete(onMessage) || listeners.size > 0) return;
      this.#listeners.delete(subject);
      this.#primary.tell('unsubscribe', subject);
    };
  }

  onUp(run: () => void): () => void {
    this.#onUp.add(run);
    return () => this.#onUp.delete(run);
  }

  settled(): Promise<void> {
    return this.#settle();
  }

  heard({ subject, payload }: NotificationMessage): void {
    for (const listener of this.#listeners.get(subject) ?? []) listener(payload);
  }

  linkUp(): void {
    for (const run of this.#onUp) run();
  }
}
