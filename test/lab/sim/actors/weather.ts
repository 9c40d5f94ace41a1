// Which faults blow now, how hard, and at whom. Stand-ins ask it before each step; the script of a run decides what comes
// and when it has passed.

import type { World } from '../world.ts';

/** Faults with a strength: the share of steps that they hit. */
export type Fault =
  | 's3-errors'
  | 's3-throttle'
  | 's3-slow'
  | 's3-late-write'
  | 's3-lost-answer'
  | 's3-corrupt-read'
  | 's3-cut-read'
  | 'sns-errors'
  | 'sns-lost-answer'
  | 'sns-delay'
  | 'sns-repeat'
  | 'sns-drop-to-retry'
  | 'bus-drop'
  | 'bus-repeat'
  | 'bus-reorder'
  | 'bus-corrupt'
  | 'bus-slow'
  | 'bus-lost-ack'
  | 'bus-blackhole'
  | 'cdn-stale'
  | 'cdn-errors'
  | 'cdn-cut-body'
  | 'cdn-other-key'
  | 'cdn-slow'
  | 'webhook-lost'
  | 'webhook-late'
  | 'webhook-repeat'
  | 'lambda-crash'
  | 'schedule-stopped'
  | 'disk-errors'
  | 'disk-crash';

interface Blowing {
  readonly fault: Fault;
  readonly share: number;
  /** Prefix of the names of the actors that it hits; empty for all. */
  readonly at: string;
}

export class Weather {
  readonly #world: World;
  #blowing: Blowing[] = [];
  /** True when no fault is active, and none will come. */
  isCalm = false;

  constructor(world: World) {
    this.#world = world;
  }

  /** Whether this fault hits this step of this actor. */
  hits(fault: Fault, actor: string): boolean {
    for (const blowing of this.#blowing)
      if (blowing.fault === fault && actor.startsWith(blowing.at))
        return this.#world.dice.chance(blowing.share);
    return false;
  }

  /** Whether this fault is active for this actor. */
  blows(fault: Fault, actor: string): boolean {
    return this.#blowing.some((blowing) => blowing.fault === fault && actor.startsWith(blowing.at));
  }

  begin(fault: Fault, share: number, at: string, durationMs: number): void {
    if (this.isCalm) return;
    const blowing = { fault, share, at };
    this.#blowing.push(blowing);
    this.#world.note(
      'weather',
      `${fault} ${Math.round(share * 100)}% at ${at || 'all'} for ${durationMs} ms`,
    );
    this.#world.after(durationMs, () => {
      if (!this.#blowing.includes(blowing)) return;
      this.#blowing = this.#blowing.filter((one) => one !== blowing);
      this.#world.note('weather', `${fault} at ${at || 'all'} is over`);
    });
  }

  /** Ends every fault at once. */
  calm(): void {
    this.#blowing = [];
    this.isCalm = true;
    this.#world.note('weather', 'calm: no fault from here on');
  }
}
