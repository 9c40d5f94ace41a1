// A Lambda function as AWS runs it: containers that serve one invocation at a time, are frozen between two of them, and are
// killed when one takes too long or crashes. A killed invocation never goes on; what it wrote stays.

import { Actor } from '../actors/actor.ts';
import type { Weather } from '../actors/weather.ts';
import type { World } from '../world.ts';

const CONTAINERS_MAX = 4;
const CRASH_CALLS_MAX = 14;

export type End<T> =
  | { readonly kind: 'answered'; readonly value: T }
  | { readonly kind: 'failed' | 'killed' };

interface Container<I, O> {
  readonly actor: Actor;
  readonly handler: (input: I) => Promise<O>;
  busy: boolean;
}

export interface LambdaOptions<I, O> {
  readonly name: string;
  readonly world: World;
  readonly weather: Weather;
  readonly timeoutMs: number;
  /** Cold start: everything that a container keeps. */
  readonly load: (actor: Actor) => (input: I) => Promise<O>;
  readonly onStart: (actor: Actor) => void;
}

export class Lambda<I, O> {
  readonly #options: LambdaOptions<I, O>;
  #containers: Container<I, O>[] = [];
  #started = 0;

  constructor(options: LambdaOptions<I, O>) {
    this.#options = options;
  }

  invoke(input: I): Promise<End<O>> {
    const { world, timeoutMs } = this.#options;
    const container = this.#containers.find(({ busy, actor }) => !busy && !actor.isDead) ?? this.#start();
    const { actor } = container;
    container.busy = true;
    this.#options.onStart(actor);
    actor.thaw();
    actor.crashInCalls = this.#crashInCalls();
    return new Promise((resolve) => {
      const end = (how: End<O>) => {
        timer.cancel();
        container.busy = false;
        actor.crashInCalls = null;
        actor.freeze();
        if (actor.isDead || this.#containers.length > CONTAINERS_MAX) this.#drop(container);
        resolve(how);
      };
      const timer = world.after(timeoutMs, () => actor.kill('took too long'));
      actor.onKilled = () => end({ kind: 'killed' });
      container.handler(input).then(
        (value) => actor.isDead || end({ kind: 'answered', value }),
        (error: unknown) => {
          if (actor.isDead) return;
          actor.note(`fails: ${error instanceof Error ? error.message : String(error)}`);
          end({ kind: 'failed' });
        },
      );
    });
  }

  /** A new deployment: the next invocations start cold. */
  replaceAll(): void {
    this.#containers = [];
  }

  /** All that are there, to be told that their clocks have jumped. */
  actors(): Actor[] {
    return this.#containers.map(({ actor }) => actor);
  }

  #start(): Container<I, O> {
    const { name, world, load } = this.#options;
    const actor = new Actor(`${name}#${++this.#started}`, world);
    const container = { actor, handler: load(actor), busy: false };
    this.#containers.push(container);
    return container;
  }

  #drop(container: Container<I, O>): void {
    this.#containers = this.#containers.filter((one) => one !== container);
  }

  #crashInCalls(): number | null {
    const { weather, world, name } = this.#options;
    return weather.hits('lambda-crash', name) ? world.dice.int(1, CRASH_CALLS_MAX) : null;
  }
}
