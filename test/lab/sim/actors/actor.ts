// One process of the simulation: its own clock, and calls to other services. It can be killed between any two steps,
// and frozen as a Lambda is between invocations. What it has sent is on the wire and stays so.

import type { Clock } from '../../../../core/clock.ts';
import type { World } from '../world.ts';

export class Actor {
  readonly name: string;
  readonly world: World;
  /** Difference of its wall clock from the world's. */
  skewMs = 0;
  /** Calls until it is killed, at one of the ends of that call; null: it is not. */
  crashInCalls: number | null = null;
  onKilled: () => void = () => {};
  #state: 'running' | 'frozen' | 'dead' = 'running';
  #parked: (() => void)[] = [];

  constructor(name: string, world: World) {
    this.name = name;
    this.world = world;
  }

  get isDead(): boolean {
    return this.#state === 'dead';
  }

  readonly clock: Clock = {
    // Whole milliseconds, as Date.now() has them.
    nowMs: () => Math.floor(this.world.nowMs) + this.skewMs,
    after: (delayMs, run) => this.world.after(delayMs, () => this.run(run)),
  };

  /** Runs in this process: at once, on the next thaw, or never. */
  run(work: () => void): void {
    if (this.#state === 'running') work();
    else if (this.#state === 'frozen') this.#parked.push(work);
  }

  /**
   * Asks something outside: `serve` happens `thereMs` from now, also when this process has died, and what it brings or
   * throws is here `backMs` later. `serve` must not touch this process.
   */
  call<T>(thereMs: number, backMs: number, serve: () => T): Promise<T> {
    if (this.isDead) return new Promise(() => {});
    const { world } = this;
    const crash = this.#crashNow();
    if (crash === 'before') return new Promise(() => {});
    return new Promise((resolve, reject) => {
      world.after(thereMs, () => {
        let answer: () => void;
        try {
          const value = serve();
          answer = () => resolve(value);
        } catch (error) {
          answer = () => reject(error);
        }
        if (crash === 'after') this.kill('crashed after a call');
        else world.after(backMs, () => this.run(answer));
      });
    });
  }

  freeze(): void {
    if (this.#state === 'running') this.#state = 'frozen';
  }

  thaw(): void {
    if (this.#state !== 'frozen') return;
    this.#state = 'running';
    const parked = this.#parked;
    this.#parked = [];
    for (const work of parked) this.run(work);
  }

  /** Nothing of it goes on. */
  kill(why: string): void {
    if (this.#state === 'dead') return;
    this.#state = 'dead';
    this.#parked = [];
    this.world.note(this.name, `† ${why}`);
    this.onKilled();
  }

  note(text: string, about = ''): void {
    this.world.note(this.name, text, about);
  }

  #crashNow(): 'before' | 'after' | null {
    if (this.crashInCalls === null || --this.crashInCalls > 0) return null;
    this.crashInCalls = null;
    if (this.world.dice.chance(0.5)) return 'after';
    this.kill('crashed before a call');
    return 'before';
  }
}
