// May the bus be trusted? A state machine over what the bus source reports: link, pings, catch-up, beats. Pure but
// for the handed-in clock; what is done about an unavailable bus is decided elsewhere.

import { BEAT_INTERVAL_MS, BEATS_MISSED_MAX, type Beat } from '../../../core/bus/beat.ts';
import type { Clock, Timer } from '../../../core/clock.ts';
import type { SdkKey } from '../../../core/ids.ts';
import { reaches, type Version } from '../../../core/version.ts';

/** A link that is back and caught up within this time was never away. */
export const UNSOUND_GRACE_MS = 2_000;
/** How often a head that is behind the beat is asked for again. */
export const BEHIND_RETRY_MS = 5_000;

export type BusReason =
  | 'starting'
  | 'disconnected'
  | 'pings-unanswered'
  | 'catching-up'
  | 'beats-missed'
  | 'head-behind';

export interface BusHealthOptions {
  readonly clock: Clock;
  readonly onChange: (available: boolean, reason: BusReason | null) => void;
  /** The bus's head of this key is behind the beat: ask the bus again. */
  readonly onBehind: (sdkKey: SdkKey) => void;
}

export class BusHealth {
  readonly #options: BusHealthOptions;
  #linked = false;
  #caughtUp = false;
  #available = false;
  #reason: BusReason | null = 'starting';
  #beatsMissed = false;
  #linkedAtMs = 0;
  /** When a beat last named each watched key; one that none has named yet is not in it. */
  readonly #namedAtMs = new Map<SdkKey, number>();
  #graceTimer: Timer | null = null;
  #beatTimer: Timer | null = null;
  #behindTimer: Timer | null = null;
  readonly #watched = new Set<SdkKey>();
  readonly #heads = new Map<SdkKey, Version>();
  /** Keys whose head on the bus is not the one that the last beat named. */
  readonly #behind = new Map<SdkKey, Version>();

  constructor(options: BusHealthOptions) {
    this.#options = options;
  }

  get available(): boolean {
    return this.#available;
  }

  /** Why it is not available; null when it is. */
  get reason(): BusReason | null {
    return this.#reason;
  }

  watch(sdkKey: SdkKey): void {
    this.#watched.add(sdkKey);
  }

  unwatch(sdkKey: SdkKey): void {
    this.#watched.delete(sdkKey);
    this.#heads.delete(sdkKey);
    this.#behind.delete(sdkKey);
    this.#namedAtMs.delete(sdkKey);
    if (this.#linked) this.#awaitBeats();
    this.#evaluate();
  }

  connected(): void {
    this.#linked = true;
    this.#caughtUp = false;
    this.#linkedAtMs = this.#options.clock.nowMs();
    this.#awaitBeats();
    this.#unsound('catching-up');
  }

  /** Every watched key has been asked for since the link came up. */
  caughtUp(): void {
    this.#caughtUp = true;
    this.#evaluate();
  }

  disconnected(): void {
    this.#linked = false;
    this.#caughtUp = false;
    this.#beatTimer?.cancel();
    this.#unsound('disconnected');
  }

  /** Two pings in a row went unanswered: that took longer than any grace. */
  pingsUnanswered(): void {
    this.#linked = false;
    this.#caughtUp = false;
    this.#beatTimer?.cancel();
    this.#change('pings-unanswered');
  }

  /** The bus has shown this version, live or when asked. Versions of a key are told in the bus's own order. */
  head(sdkKey: SdkKey, version: Version): void {
    if (!this.#watched.has(sdkKey)) return;
    this.#heads.set(sdkKey, version);
    const wanted = this.#behind.get(sdkKey);
    if (wanted !== undefined && reaches(version, wanted)) {
      this.#behind.delete(sdkKey);
      this.#evaluate();
    }
  }

  /** A beat that names no watched key, of another deployment for example, says nothing of the watched keys' publisher. */
  beat(beat: Beat): void {
    this.#named([...beat.heads.keys(), ...(beat.others ?? [])]);
    this.#awaitBeats();
    for (const [sdkKey, wanted] of beat.heads) {
      if (!this.#watched.has(sdkKey)) continue;
      const head = this.#heads.get(sdkKey);
      if (head !== undefined && reaches(head, wanted)) this.#behind.delete(sdkKey);
      else {
        this.#behind.set(sdkKey, wanted);
        this.#options.onBehind(sdkKey);
      }
    }
    this.#evaluate();
  }

  stop(): void {
    for (const timer of [this.#graceTimer, this.#beatTimer, this.#behindTimer]) timer?.cancel();
  }

  #named(sdkKeys: readonly SdkKey[]): void {
    const nowMs = this.#options.clock.nowMs();
    for (const sdkKey of sdkKeys) if (this.#watched.has(sdkKey)) this.#namedAtMs.set(sdkKey, nowMs);
    if (this.#watched.size === 0) this.#linkedAtMs = nowMs;
  }

  /** Each key that a beat has named once is waited for; until one has, the link itself is. */
  #awaitBeats(): void {
    const { clock } = this.#options;
    const oldestMs = this.#namedAtMs.size === 0 ? 0 : Math.min(...this.#namedAtMs.values());
    const leftMs = Math.max(oldestMs, this.#linkedAtMs) + BEAT_INTERVAL_MS * BEATS_MISSED_MAX - clock.nowMs();
    this.#beatTimer?.cancel();
    this.#beatsMissed = leftMs <= 0;
    if (this.#beatsMissed) return;
    this.#beatTimer = clock.after(leftMs, () => {
      this.#beatsMissed = true;
      this.#change('beats-missed');
    });
  }

  #evaluate(): void {
    this.#watchBehind();
    if (!this.#linked) return;
    if (!this.#caughtUp) this.#unsound('catching-up');
    else if (this.#beatsMissed) this.#change('beats-missed');
    else if (this.#behind.size > 0) this.#unsound('head-behind');
    else this.#change(null);
  }

  /** Something is not right; it has the grace to mend before the agent acts on it. */
  #unsound(reason: BusReason): void {
    if (!this.#available) {
      this.#reason = reason;
      return;
    }
    this.#graceTimer ??= this.#options.clock.after(UNSOUND_GRACE_MS, () => {
      this.#graceTimer = null;
      this.#change(this.#cause());
    });
  }

  #cause(): BusReason {
    if (!this.#linked) return 'disconnected';
    return this.#caughtUp ? 'head-behind' : 'catching-up';
  }

  #change(reason: BusReason | null): void {
    this.#graceTimer?.cancel();
    this.#graceTimer = null;
    this.#reason = reason;
    const available = reason === null;
    if (available === this.#available) return;
    this.#available = available;
    this.#options.onChange(available, reason);
  }

  #watchBehind(): void {
    if (this.#behind.size === 0) {
      this.#behindTimer?.cancel();
      this.#behindTimer = null;
      return;
    }
    this.#behindTimer ??= this.#options.clock.after(BEHIND_RETRY_MS, () => {
      this.#behindTimer = null;
      for (const sdkKey of this.#behind.keys()) this.#options.onBehind(sdkKey);
      this.#watchBehind();
    });
  }
}
