// What a worker has for the primary in great numbers, events and saved profiles: gathered for a moment, sent as one
// message. Bounded: where the primary does not keep up, events are dropped and counted.

import type { Clock, Timer } from '../../core/clock.ts';
import type { SavedProfile } from '../decisions/profiles/profiles.ts';
import type { EventSink } from '../events/event.ts';
import type { EventLane, PrimaryPeer } from './messages.ts';

/** All that a worker which is killed can lose. */
export const GATHER_MS = 5;
/** Characters of events that are sent without waiting for more. */
const MESSAGE_CHARS_MAX = 256 * 1024;
/** Characters of events that left for the primary and have not arrived. */
export const UNDER_WAY_CHARS_MAX = 32 * 1024 * 1024;

interface OpenLane extends EventLane {
  readonly jsons: string[];
}

export class WorkerOutbox implements EventSink {
  readonly #clock: Clock;
  readonly #primary: PrimaryPeer;
  #lanes: OpenLane[] = [];
  #chars = 0;
  #charsUnderWay = 0;
  #lost = 0;
  #profiles: SavedProfile[] = [];
  #timer: Timer | null = null;

  constructor(clock: Clock, primary: PrimaryPeer) {
    this.#clock = clock;
    this.#primary = primary;
  }

  add(url: string, head: string, json: string): void {
    if (this.#charsUnderWay + this.#chars + json.length > UNDER_WAY_CHARS_MAX) this.#lost++;
    else {
      this.#lane(url, head).jsons.push(json);
      this.#chars += json.length;
    }
    if (this.#chars >= MESSAGE_CHARS_MAX) this.flush();
    else this.#soon();
  }

  saved(profile: SavedProfile): void {
    this.#profiles.push(profile);
    this.#soon();
  }

  /** Sends what waits. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#profiles.length > 0) this.#primary.tell('profiles', this.#profiles);
    this.#profiles = [];
    if (this.#lost > 0) this.#primary.tell('eventsLost', this.#lost);
    this.#lost = 0;
    if (this.#lanes.length === 0) return;
    const chars = this.#chars;
    this.#charsUnderWay += chars;
    this.#primary.tell('events', this.#lanes, () => {
      this.#charsUnderWay -= chars;
    });
    this.#lanes = [];
    this.#chars = 0;
  }

  #soon(): void {
    this.#timer ??= this.#clock.after(GATHER_MS, () => this.flush());
  }

  /** Most events have the head of the one before; others are few enough to be looked for. */
  #lane(url: string, head: string): OpenLane {
    const last = this.#lanes.at(-1);
    if (last?.head === head && last.url === url) return last;
    const known = this.#lanes.find((lane) => lane.head === head && lane.url === url);
    if (known !== undefined) return known;
    const lane: OpenLane = { url, head, jsons: [] };
    this.#lanes.push(lane);
    return lane;
  }
}
