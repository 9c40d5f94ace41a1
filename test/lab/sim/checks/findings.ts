// Collects the findings of the checks: the first violated invariant ends a run, in words, with the key that it is about.

import type { World } from '../world.ts';

export interface Violation {
  /** In words, beginning with the invariant's number where it has one. */
  readonly text: string;
  /** Empty when it is about all keys. */
  readonly sdkKey: string;
  readonly atMs: number;
}

export class Findings {
  first: Violation | null = null;
  checked = 0;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** One thing that must hold; `text` is asked for only when it does not. */
  check(holds: boolean, text: () => string, sdkKey = ''): void {
    this.checked++;
    if (holds || this.first !== null) return;
    this.first = { text: text(), sdkKey, atMs: this.#world.nowMs };
    this.#world.note('VIOLATED', this.first.text, sdkKey);
  }
}
