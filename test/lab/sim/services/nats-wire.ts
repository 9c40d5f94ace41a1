// The wire under one connection: in order both ways, as TCP is, unless the caller asks for disorder. Swallows nothing: what a
// blackhole holds up is sent again when it is over in time.

import type { Actor } from '../actors/actor.ts';
import type { Weather } from '../actors/weather.ts';

export class Wire {
  readonly #actor: Actor;
  readonly #weather: Weather;
  #lastThereMs = 0;
  #lastBackMs = 0;
  #held: (() => void)[] = [];

  constructor(actor: Actor, weather: Weather) {
    this.#actor = actor;
    this.#weather = weather;
  }

  get isBlackholed(): boolean {
    return this.#weather.blows('bus-blackhole', this.#actor.name);
  }

  /** To the server. */
  there(go: () => void): void {
    if (this.isBlackholed) {
      this.#held.push(go);
      return;
    }
    const { world } = this.#actor;
    this.#lastThereMs = Math.max(world.nowMs + this.#latencyMs(), this.#lastThereMs);
    world.after(this.#lastThereMs - world.nowMs, go);
  }

  /** From the server; with `outOfOrderMs` what comes later may overtake it. */
  back(go: () => void, outOfOrderMs: number): void {
    if (this.isBlackholed) {
      this.#held.push(go);
      return;
    }
    const { world } = this.#actor;
    const atMs = Math.max(world.nowMs + this.#latencyMs(), this.#lastBackMs);
    if (outOfOrderMs === 0) this.#lastBackMs = atMs;
    world.after(atMs - world.nowMs + outOfOrderMs, go);
  }

  /** The blackhole is over. */
  release(): void {
    for (const go of this.#held.splice(0)) this.#actor.world.after(1, go);
  }

  drop(): void {
    this.#held = [];
  }

  #latencyMs(): number {
    const { dice } = this.#actor.world;
    return this.#weather.hits('bus-slow', this.#actor.name) ? dice.int(50, 1_200) : dice.int(1, 8);
  }
}
