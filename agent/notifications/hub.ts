// Carries decision notifications to listening clients: of this agent directly, of other agents over the bus. The
// SDK is asked for them only while a client listens, at this agent or at another. Knows neither HTTP nor the bus client.

import { type Clock, type Random, withinMs } from '../../core/clock.ts';
import type { SdkKey } from '../../core/ids.ts';
import { noteSubject } from '../../core/record/names.ts';
import type { NotificationChannel } from '../datafiles/sources/side-channel.ts';
import type { Held } from '../datafiles/store.ts';
import type { FlagClient } from '../decisions/flag-client.ts';
import { configUpdateNotification, type Notification } from './notification.ts';
import { decodeNotifications, Outbox } from './outbox.ts';
import { Subscriptions } from './subscriptions.ts';

/** How long a slow bus may hold up a listener. */
const SETTLE_TIMEOUT_MS = 500;

export type OnNotification = (note: Notification) => void;

export interface HubOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** The client that decides for a key now. */
  readonly clientOf: (sdkKey: SdkKey) => FlagClient | null;
  /** To and from the other agents; null: there are none. */
  readonly channel: NotificationChannel | null;
  /** Called with the number of notifications that other agents miss because there were too many. */
  readonly onDropped: (sdkKey: SdkKey, count: number) => void;
}

interface KeyState {
  readonly listeners: Set<OnNotification>;
  /** Ends the subscription to the other agents' notifications. */
  unsubscribe: (() => void) | null;
  /** Ends listening to the client that decides. */
  detach: (() => void) | null;
  outbox: Outbox | null;
}

export class NotificationHub {
  readonly #options: HubOptions;
  readonly #id: string;
  readonly #wants: Subscriptions | null;
  readonly #keys = new Map<SdkKey, KeyState>();

  constructor(options: HubOptions) {
    this.#options = options;
    const { channel, clock, random } = options;
    this.#id = random().toString(36).slice(2) + random().toString(36).slice(2);
    this.#wants =
      channel === null
        ? null
        : new Subscriptions({ from: this.#id, channel, clock, onWanted: (sdkKey) => this.#review(sdkKey) });
  }

  start(): void {
    this.#wants?.start();
  }

  stop(): void {
    this.#wants?.stop();
    for (const sdkKey of [...this.#keys.keys()]) this.#drop(sdkKey);
  }

  /** Hears every note of a key until the returned function is called. */
  listen(sdkKey: SdkKey, onNote: OnNotification): () => void {
    const state = this.#state(sdkKey);
    state.listeners.add(onNote);
    this.#review(sdkKey);
    return () => {
      state.listeners.delete(onNote);
      this.#review(sdkKey);
    };
  }

  /** Resolves, after a short limit at the latest, when the bus has passed on the wishes: later decisions are not missed. */
  async settled(): Promise<void> {
    const { channel, clock } = this.#options;
    if (channel === null) return;
    await withinMs(clock, SETTLE_TIMEOUT_MS, channel.settled(), () => {});
  }

  /** A key has a new datafile, and with it another client. Every agent says so to its own listeners only. */
  accepted(held: Held<FlagClient>): void {
    const state = this.#keys.get(held.sdkKey);
    if (state === undefined && this.#wants?.wantedByOthers(held.sdkKey) !== true) return;
    // The old client's users are not done yet: it is listened to until it is closed.
    if (state !== undefined) {
      state.detach = null;
      for (const listener of state.listeners) listener(configUpdateNotification(held.revision));
    }
    this.#review(held.sdkKey);
  }

  /** The key is not served any more. Its listeners stay: it may be served again, and others may still serve it. */
  forget(sdkKey: SdkKey): void {
    const state = this.#keys.get(sdkKey);
    if (state === undefined) return;
    state.detach?.();
    state.detach = null;
    this.#review(sdkKey);
  }

  /** Listens to the client, and to the others, exactly when there is a reason to. */
  #review(sdkKey: SdkKey): void {
    const wanted = this.#wants?.wantedByOthers(sdkKey) ?? false;
    const listening = (this.#keys.get(sdkKey)?.listeners.size ?? 0) > 0;
    const client = this.#options.clientOf(sdkKey);
    if (!listening && (!wanted || client === null)) {
      this.#drop(sdkKey);
      return;
    }
    const state = this.#state(sdkKey);
    this.#follow(sdkKey, state, listening);
    if (client !== null) state.detach ??= this.#attach(sdkKey, state, client);
  }

  #attach(sdkKey: SdkKey, state: KeyState, client: FlagClient): () => void {
    return client.listen((note) => this.#made(sdkKey, state, note));
  }

  /** Subscribes to the other agents' notes while a client listens at this agent. */
  #follow(sdkKey: SdkKey, state: KeyState, listening: boolean): void {
    this.#wants?.want(sdkKey, listening);
    if (!listening) {
      state.unsubscribe?.();
      state.unsubscribe = null;
    } else {
      state.unsubscribe ??=
        this.#options.channel?.subscribe(noteSubject(sdkKey), (message) => this.#heard(state, message)) ??
        null;
    }
  }

  #made(sdkKey: SdkKey, state: KeyState, note: Notification): void {
    for (const listener of state.listeners) listener(note);
    if (this.#wants?.wantedByOthers(sdkKey) !== true) return;
    state.outbox ??= this.#outbox(sdkKey);
    state.outbox.add(note);
  }

  #heard(state: KeyState, message: Uint8Array): void {
    const batch = decodeNotifications(message);
    if (batch === null || batch.from === this.#id) return;
    for (const note of batch.notes) for (const listener of state.listeners) listener(note);
  }

  #outbox(sdkKey: SdkKey): Outbox {
    const { clock, channel, onDropped } = this.#options;
    return new Outbox({
      from: this.#id,
      clock,
      send: (message) => channel?.publish(noteSubject(sdkKey), message),
      onDropped: (count) => onDropped(sdkKey, count),
    });
  }

  #state(sdkKey: SdkKey): KeyState {
    let state = this.#keys.get(sdkKey);
    if (state === undefined) {
      state = { listeners: new Set(), unsubscribe: null, detach: null, outbox: null };
      this.#keys.set(sdkKey, state);
    }
    return state;
  }

  #drop(sdkKey: SdkKey): void {
    const state = this.#keys.get(sdkKey);
    if (state === undefined) return;
    this.#keys.delete(sdkKey);
    this.#wants?.want(sdkKey, false);
    state.unsubscribe?.();
    state.detach?.();
    state.outbox?.flush();
  }
}
