// Time as the simulation has it: events in order, and everything that the real code does in between is let run out before
// the next one. Nothing here waits for the wall clock, so that minutes pass in milliseconds.

import { setImmediate as turn } from 'node:timers/promises';
import type { Timer } from '../../../core/clock.ts';
import { Trace, type TraceLine } from './checks/trace.ts';
import { Dice } from './dice.ts';

export const WORLD_START_MS = 1_700_000_000_000;

interface Event {
  readonly atMs: number;
  readonly order: number;
  run: (() => void) | null;
}

export class World {
  readonly dice: Dice;
  readonly trace: Trace;
  nowMs = WORLD_START_MS;
  readonly #heap: Event[] = [];
  #order = 0;
  #ids = 0;

  constructor(seed: number, onLine: ((line: TraceLine) => void) | null = null) {
    this.dice = new Dice(seed);
    this.trace = new Trace(onLine);
  }

  note(actor: string, text: string, about = ''): void {
    this.trace.add({ atMs: this.nowMs, actor, about, text });
  }

  newId(): string {
    return `${this.dice.int(0, 0xffff).toString(16)}-${++this.#ids}`;
  }

  after(delayMs: number, run: () => void): Timer {
    const event: Event = { atMs: this.nowMs + Math.max(0, delayMs), order: this.#order++, run };
    this.#push(event);
    return {
      cancel: () => {
        event.run = null;
      },
    };
  }

  /** Lets time pass until `endMs`, or until `until` says so after an event. */
  async runUntil(endMs: number, until: () => boolean = () => false): Promise<void> {
    await turn();
    while (!until()) {
      const next = this.#heap[0];
      if (next === undefined || next.atMs > endMs) break;
      this.#pop();
      if (next.run === null) continue;
      this.nowMs = next.atMs;
      next.run();
      // Promises and next ticks of the real code, all of them: a macrotask comes only when none is left.
      await turn();
    }
    if (!until()) this.nowMs = Math.max(this.nowMs, endMs);
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, heap[parent] as Event)) break;
      heap[at] = heap[parent] as Event;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Event;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Event, heap[child] as Event)) child++;
      if (!isBefore(heap[child] as Event, last)) break;
      heap[at] = heap[child] as Event;
      at = child;
    }
    heap[at] = last;
  }
}

const isBefore = (a: Event, b: Event): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
