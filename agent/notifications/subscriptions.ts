// Who listens: agents with listeners say so every few seconds, and all others send only the notes that an agent wants. So an
// agent without listeners pays nothing. Does not know what a note is, nor the SDK.

import type { Clock, Timer } from '../../core/clock.ts';
import { parseJsonWithin } from '../../core/datafile/json-depth.ts';
import { type SdkKey, toSdkKey } from '../../core/ids.ts';
import { type RateState, takeToken } from '../../core/rate-limit.ts';
import { WANT_SUBJECT } from '../../core/record/names.ts';
import type { NotificationChannel } from '../datafiles/sources/side-channel.ts';

/** How often an agent repeats which keys have listeners. */
export const WANT_INTERVAL_MS = 10_000;
/** Listeners of which nothing was heard for this long are gone. */
export const WANT_LAPSE_MS = 30_000;
/** Keys that others may want of one agent. */
const WANTED_MAX = 10_000;
/** Keys that one message may name; an agent that wants more sends several. */
export const WISH_KEYS_MAX = 200;
/** A key takes at most 131 bytes. A longer message is nothing that an agent sends, and is not read. */
export const WISH_BYTES_MAX = 32 * 1024;
/**
 * Most messages that are read; further ones are ignored. Ten thousand agents with listeners send a thousand messages a second,
 * mostly the same, and repeat them before they lapse.
 */
const WISHES_LIMIT = { burst: 500, perSecond: 100 } as const;

export interface SubscriptionsOptions {
  readonly from: string;
  readonly channel: NotificationChannel;
  readonly clock: Clock;
  /** Called when other agents begin, or cease, to want notes of this key. */
  readonly onWanted: (sdkKey: SdkKey, wanted: boolean) => void;
}

export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #mine = new Set<SdkKey>();
  readonly #theirsUntilMs = new Map<SdkKey, number>();
  #sayTimer: Timer | null = null;
  #lapseTimer: Timer | null = null;
  #unsubscribe: (() => void)[] = [];
  #rate: RateState | null = null;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  start(): void {
    const { channel } = this.#options;
    this.#unsubscribe = [
      channel.subscribe(WANT_SUBJECT, (message) => this.#heard(message)),
      // Said anew after an outage: what was said before has lapsed elsewhere.
      channel.onUp(() => this.#say()),
    ];
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#sayTimer?.cancel();
    this.#lapseTimer?.cancel();
    this.#mine.clear();
  }

  /** Begins, or ceases, to ask the others for notes of this key. */
  want(sdkKey: SdkKey, wanted: boolean): void {
    if (!wanted) this.#mine.delete(sdkKey);
    else if (!this.#mine.has(sdkKey)) {
      this.#mine.add(sdkKey);
      this.#say();
    }
  }

  wantedByOthers(sdkKey: SdkKey): boolean {
    return this.#theirsUntilMs.has(sdkKey);
  }

  #say(): void {
    this.#sayTimer?.cancel();
    this.#sayTimer = null;
    if (this.#mine.size === 0) return;
    const { channel, from, clock } = this.#options;
    const sdkKeys = [...this.#mine];
    for (let i = 0; i < sdkKeys.length; i += WISH_KEYS_MAX) {
      const wish = { from, sdkKeys: sdkKeys.slice(i, i + WISH_KEYS_MAX) };
      channel.publish(WANT_SUBJECT, Buffer.from(JSON.stringify(wish)));
    }
    this.#sayTimer = clock.after(WANT_INTERVAL_MS, () => this.#say());
  }

  #heard(message: Uint8Array): void {
    const { from, clock, onWanted } = this.#options;
    const { state, isAllowed } = takeToken(this.#rate, clock.nowMs(), WISHES_LIMIT);
    this.#rate = state;
    if (!isAllowed || message.byteLength > WISH_BYTES_MAX) return;
    const wish = decodeWish(message);
    if (wish === null || wish.from === from) return;
    for (const sdkKey of wish.sdkKeys) {
      const known = this.#theirsUntilMs.has(sdkKey);
      if (!known && this.#theirsUntilMs.size >= WANTED_MAX) return;
      this.#theirsUntilMs.set(sdkKey, clock.nowMs() + WANT_LAPSE_MS);
      if (!known) onWanted(sdkKey, true);
    }
    this.#lapseTimer ??= clock.after(WANT_INTERVAL_MS, () => this.#lapse());
  }

  #lapse(): void {
    const { clock, onWanted } = this.#options;
    this.#lapseTimer = null;
    for (const [sdkKey, untilMs] of this.#theirsUntilMs) {
      if (untilMs > clock.nowMs()) continue;
      this.#theirsUntilMs.delete(sdkKey);
      onWanted(sdkKey, false);
    }
    if (this.#theirsUntilMs.size > 0) this.#lapseTimer = clock.after(WANT_INTERVAL_MS, () => this.#lapse());
  }
}

/** Null when the message is not a wish: another program on the bus must not be able to break an agent. */
function decodeWish(message: Uint8Array): { from: string; sdkKeys: SdkKey[] } | null {
  try {
    const { from, sdkKeys } = parseJsonWithin(message) as { from?: unknown; sdkKeys?: unknown };
    if (typeof from !== 'string' || !Array.isArray(sdkKeys) || sdkKeys.length > WISH_KEYS_MAX) return null;
    return { from, sdkKeys: sdkKeys.map((sdkKey) => toSdkKey(String(sdkKey))) };
  } catch {
    return null; // The next one comes in a few seconds.
  }
}
