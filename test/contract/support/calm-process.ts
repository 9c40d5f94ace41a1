// One process of the simulation in which no fault ever happens, whose time passes while a caller waits: so that what the
// simulation puts in place of S3 and NATS can be asked as the real ones are.

import { Actor } from '../../lab/sim/actors/actor.ts';
import { Weather } from '../../lab/sim/actors/weather.ts';
import { World } from '../../lab/sim/world.ts';

const STEP_MS = 100;

export class CalmProcess {
  readonly world: World;
  readonly weather: Weather;
  readonly actor: Actor;
  /** Calls that wait for the world's time, which one of them lets pass. */
  readonly #waiting: Set<unknown>;

  constructor(world = new World(1), weather = new Weather(world), waiting = new Set<unknown>()) {
    this.world = world;
    this.weather = weather;
    this.#waiting = waiting;
    this.actor = new Actor('contract', world);
  }

  /** In the same world. */
  another(): CalmProcess {
    return new CalmProcess(this.world, this.weather, this.#waiting);
  }

  /** Lets time pass until the promise has settled. */
  readonly settled = async <T>(promise: Promise<T>): Promise<T> => {
    const isFirst = this.#waiting.size === 0;
    this.#waiting.add(promise);
    const end = () => this.#waiting.delete(promise);
    promise.then(end, end);
    if (isFirst)
      while (this.#waiting.size > 0)
        await this.world.runUntil(this.world.nowMs + STEP_MS, () => this.#waiting.size === 0);
    return promise;
  };

  /** The same object, whose asynchronous methods let time pass. */
  readonly driven = <T extends object>(target: T): T =>
    new Proxy(target, {
      get: (_, name) => {
        const value = Reflect.get(target, name) as unknown;
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          const result: unknown = Reflect.apply(value, target, args);
          return result instanceof Promise ? this.settled(result) : result;
        };
      },
    });
}
