// Events and saved profiles of a worker on their way to the primary: gathered for a moment and sent as one
// message. Only one message of each is with the primary at a time. The channel keeps the order of what is said over it, and
// node:cluster uses it too: an acceptance of a connection that waited behind megabytes of events held up every new client for seconds.

import type { Clock, Timer } from '../../core/clock.ts';
import type { SdkKey } from '../../core/ids.ts';
import { sizeOf as sizeOfProfile } from '../decisions/profiles/memory.ts';
import type { SavedProfile } from '../decisions/profiles/profiles.ts';
import type { EventSink } from '../events/event.ts';
import type { EventRoom } from '../http/kernel/turns.ts';
import type { EventLane, PrimaryPeer } from './messages.ts';

/** Most that a killed worker can lose, while the primary keeps up. */
export const GATHER_MS = 5;
/** Characters of events in one message, but for a single event that is larger. */
export const MESSAGE_CHARS_MAX = 256 * 1024;
/** Characters of events that the primary has not taken; those beyond are dropped and counted. */
export const WAITING_CHARS_MAX = 8 * 1024 * 1024;
/** From here on a request that makes many events waits with the rest of them: so single events still find a place. */
export const CROWDED_CHARS = 1024 * 1024;

interface OpenLane extends EventLane {
  readonly jsons: string[];
}

interface Message {
  readonly lanes: OpenLane[];
  chars: number;
  events: number;
}

export class WorkerOutbox implements EventSink, EventRoom {
  readonly #clock: Clock;
  readonly #primary: PrimaryPeer;
  /** Full ones, oldest first, and the one that is gathered now. */
  readonly #full: Message[] = [];
  #open: Message = emptyMessage();
  #isUnderWay = false;
  /** Of all messages, the one under way included. */
  #chars = 0;
  #lost = 0;
  #profiles: SavedProfile[] = [];
  #sentProfiles: readonly SavedProfile[] = [];
  #profilesUnderWay: Promise<void> | null = null;
  #timer: Timer | null = null;
  #waiting: (() => void)[] = [];

  constructor(clock: Clock, primary: PrimaryPeer) {
    this.#clock = clock;
    this.#primary = primary;
  }

  add(url: string, head: string, json: string): void {
    if (this.#chars + json.length > WAITING_CHARS_MAX) this.#lost++;
    else {
      this.#lane(url, head).jsons.push(json);
      this.#open.events++;
      this.#open.chars += json.length;
      this.#chars += json.length;
    }
    if (this.#open.chars >= MESSAGE_CHARS_MAX) {
      this.#cut();
      this.#sendEvents();
    }
    this.#soon();
  }

  /** Those that wait are kept by this process anyhow, and take no memory here. */
  saved(profile: SavedProfile): void {
    this.#profiles.push(profile);
    this.#soon();
  }

  /** What waits was saved before, and would come back after the reset. */
  resetUsers(sdkKey: SdkKey): void {
    this.#profiles = this.#profiles.filter((saved) => saved.sdkKey !== sdkKey);
    this.#primary.tell('resetUsers', sdkKey);
  }

  /** Resolves when all workers have the profiles that were saved until now. */
  async profilesTaken(): Promise<void> {
    const last = this.#profiles.at(-1) ?? this.#sentProfiles.at(-1);
    this.flush();
    while (last !== undefined && (this.#profiles.includes(last) || this.#sentProfiles.includes(last)))
      await this.#profilesUnderWay;
  }

  /** Whether a request that makes many events had better wait for room(). */
  get isCrowded(): boolean {
    return this.#chars >= CROWDED_CHARS;
  }

  /** Resolves when the primary has taken some of the events, or at once where there is room. */
  async room(): Promise<void> {
    while (this.isCrowded) await this.#nextTaken();
  }

  /** Sends what waits; events as soon as the primary has taken those before them. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#sendProfiles();
    if (this.#lost > 0) this.#primary.tell('eventsLost', this.#lost);
    this.#lost = 0;
    this.#sendEvents();
  }

  /** Resolves when the primary has taken everything. */
  async drained(): Promise<void> {
    this.flush();
    while (this.#chars > 0) await this.#nextTaken();
    await this.profilesTaken();
    this.flush();
  }

  #nextTaken(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #sendProfiles(): void {
    if (this.#profilesUnderWay !== null || this.#profiles.length === 0) return;
    let count = 0;
    let chars = 0;
    while (count < this.#profiles.length && chars < MESSAGE_CHARS_MAX)
      chars += sizeOfProfile((this.#profiles[count++] as SavedProfile).profile);
    // Without the primary there are no others to tell.
    this.#sentProfiles = this.#profiles.splice(0, count);
    this.#profilesUnderWay = this.#primary
      .ask('takeProfiles', this.#sentProfiles)
      .catch(() => {})
      .then(() => {
        this.#profilesUnderWay = null;
        this.#sentProfiles = [];
        this.#sendProfiles();
      });
  }

  #sendEvents(): void {
    if (this.#isUnderWay) return;
    if (this.#full.length === 0) this.#cut();
    const message = this.#full.shift();
    if (message === undefined) return;
    this.#isUnderWay = true;
    this.#primary
      .ask('takeEvents', message.lanes)
      .catch(() => {
        this.#lost += message.events;
      })
      .then(() => this.#taken(message));
  }

  #taken({ chars }: Message): void {
    this.#isUnderWay = false;
    this.#chars -= chars;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
    // A message that is not full yet goes at its usual time.
    if (this.#full.length > 0 || this.#timer === null) this.#sendEvents();
  }

  #cut(): void {
    if (this.#open.events === 0) return;
    this.#full.push(this.#open);
    this.#open = emptyMessage();
  }

  #soon(): void {
    this.#timer ??= this.#clock.after(GATHER_MS, () => this.flush());
  }

  /** Most events have the head of the one before; others are few enough to be looked for. */
  #lane(url: string, head: string): OpenLane {
    const { lanes } = this.#open;
    const last = lanes.at(-1);
    if (last?.head === head && last.url === url) return last;
    const known = lanes.find((lane) => lane.head === head && lane.url === url);
    if (known !== undefined) return known;
    const lane: OpenLane = { url, head, jsons: [] };
    lanes.push(lane);
    return lane;
  }
}

const emptyMessage = (): Message => ({ lanes: [], chars: 0, events: 0 });
