// Everything that is asked and changed while a fault goes on, and what the scoreboard wants to know of it.

import { type Change, Changes } from '../changes.ts';
import type { Stage } from '../stage.ts';
import { Asker } from './asker.ts';

const POLL_MS = 10;

export class Watch {
  readonly askers: readonly Asker[];
  readonly changes: Changes;
  readonly #byAgent: readonly (readonly Asker[])[];
  readonly #stage: Stage;
  /** Since when an agent is alive again: before that it could serve nothing. */
  readonly #aliveSinceMs = new Map<Asker, number>();

  private constructor(stage: Stage, changes: Changes) {
    this.#stage = stage;
    this.changes = changes;
    const { sdkKey } = stage.stack.addresses;
    this.#byAgent = stage.stack.agents.map(({ api, part }, index) =>
      Array.from({ length: stage.askersOf?.[index] ?? 1 }, () => new Asker(part.name, api, sdkKey)),
    );
    this.askers = this.#byAgent.flat();
    for (const asker of this.askers) asker.start();
  }

  static async begin(stage: Stage): Promise<Watch> {
    return new Watch(stage, await Changes.begin(stage.stack.addresses));
  }

  /** The agent is about to die, or a worker of it. */
  died(index: number): void {
    for (const asker of this.#byAgent[index] ?? []) asker.died();
  }

  revived(index: number): void {
    for (const asker of this.#byAgent[index] ?? []) {
      asker.revived();
      this.#aliveSinceMs.set(asker, Date.now());
    }
  }

  /** Resolves when all serve the newest revision: ms since `sinceMs`, or null when that took longer than `withinMs`. */
  async untilAllServe(sinceMs: number, withinMs: number): Promise<number | null> {
    const { revision } = this.changes;
    while (Date.now() - sinceMs <= withinMs) {
      if (this.askers.every((asker) => asker.revision >= revision) && (await this.#subscribersHave(revision)))
        return Date.now() - sinceMs;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return null;
  }

  /** Who is behind, for a message. */
  behind(): string[] {
    const { revision } = this.changes;
    return this.askers
      .filter((asker) => asker.revision < revision)
      .map((asker) => `${asker.name} serves revision ${asker.revision}, not ${revision}`);
  }

  async stop(): Promise<void> {
    await this.changes.stop();
    await Promise.all(this.askers.map((asker) => asker.stop()));
  }

  /** The longest time that any agent served something older than a change that had been made. */
  stalenessMsMax(): number {
    return Math.max(0, ...this.askers.flatMap((asker) => this.changes.made.map(this.#stalenessOf(asker))));
  }

  #stalenessOf(asker: Asker): (change: Change) => number {
    const aliveSinceMs = this.#aliveSinceMs.get(asker) ?? 0;
    return ({ revision, sentAtMs }) => {
      const first = asker.firsts.find((served) => served.revision >= revision);
      return first === undefined ? 0 : first.atMs - Math.max(sentAtMs, aliveSinceMs);
    };
  }

  async #subscribersHave(revision: number): Promise<boolean> {
    const { subscribers } = this.#stage;
    return subscribers === undefined || (await subscribers.behind(revision)) === 0;
  }
}
