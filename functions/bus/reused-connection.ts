// One connection kept over the invocations of a Lambda, which may freeze for minutes between two calls and thaw with a
// peer long gone. Knows when to trust, probe, replace and drop it; not what kind of connection it is.

import type { Clock } from '../../core/clock.ts';

/** Younger than this, the last answer vouches for the connection. */
const TRUSTED_IDLE_MS = 2_000;

export interface Connector<C> {
  open(): Promise<C>;
  /** Resolves when the other side answers; rejects soon when it does not. */
  probe(connection: C): Promise<void>;
  /** Must neither throw nor be waited for. */
  close(connection: C): void;
  /** Resolves when the connection has ended. */
  ended(connection: C): Promise<unknown>;
}

export class ReusedConnection<C> {
  readonly #connector: Connector<C>;
  readonly #clock: Pick<Clock, 'nowMs'>;
  #current: Promise<C> | null = null;
  #lastUsedMs = 0;
  #resets = 0;

  constructor(connector: Connector<C>, clock: Pick<Clock, 'nowMs'>) {
    this.#connector = connector;
    this.#clock = clock;
  }

  /** How often it was dropped on purpose: work that began before must not go on. */
  get resets(): number {
    return this.#resets;
  }

  /** The kept connection when it can be trusted, else a new one. Calls at the same time share it. */
  get(): Promise<C> {
    const idleMs = this.#clock.nowMs() - this.#lastUsedMs;
    this.touch();
    if (this.#current === null) return this.#keep(this.#connector.open());
    // A clock that went back says nothing about idleness: ask.
    if (idleMs >= 0 && idleMs <= TRUSTED_IDLE_MS) return this.#current;
    return this.#keep(this.#probe(this.#current));
  }

  /** The other side has just answered. */
  touch(): void {
    this.#lastUsedMs = this.#clock.nowMs();
  }

  /** Drops it at once, with every call that still waits on it. */
  reset(): void {
    const dropped = this.#current;
    this.#current = null;
    this.#resets++;
    this.#closeWhenOpen(dropped);
  }

  #keep(connection: Promise<C>): Promise<C> {
    this.#current = connection;
    const forget = () => {
      if (this.#current === connection) this.#current = null;
    };
    void connection.then((open) => this.#connector.ended(open).then(forget, forget), forget);
    return connection;
  }

  async #probe(kept: Promise<C>): Promise<C> {
    try {
      const connection = await kept;
      await this.#connector.probe(connection);
      return connection;
    } catch {
      // It died while the process was frozen: the reason no longer matters, another connection does.
      this.#closeWhenOpen(kept);
      return this.#connector.open();
    }
  }

  #closeWhenOpen(connection: Promise<C> | null): void {
    // One that never opened was reported to the callers that waited for it, and needs no closing.
    void connection?.then(
      (open) => this.#connector.close(open),
      () => {},
    );
  }
}
