// An Optimizely client of one revision, with a count of its users, and what decides beside it. Knows nothing of where
// datafiles come from or of HTTP.

import type { SendEvent } from '../events/from-decider.ts';
import type { Notification } from '../notifications/notification.ts';
import type { Cmab } from './cmab/cmab.ts';
import type { Decider } from './decider/decider.ts';
import type { EventTap } from './decider/event-tap.ts';
import type { EventPieces } from './decider/outcome.ts';
import type { InvalidVariables } from './invalid-variables.ts';
import type { ProjectOdp } from './odp/odp.ts';
import type { KeptVariations } from './profiles/kept-variations.ts';
import type { EveryoneElse, PredictedRules } from './project-traits.ts';
import { requestContext } from './request-context.ts';
import type { SdkClient, SdkDispatcher, SdkEvent } from './sdk-types.ts';

/** Rules whose variation is asked for while a decision is made. */
export interface Predicted {
  readonly rules: PredictedRules;
  readonly cmab: Cmab;
}

export type Tap = EventTap<SdkEvent, ReturnType<SdkDispatcher['dispatchEvent']>>;

export interface ClientTraits {
  readonly flagKeys?: readonly string[];
  readonly decider?: Decider | null;
  readonly tap?: Tap;
  readonly send?: SendEvent;
  readonly onMistrusted?: (flagKey: string) => void;
  readonly odp?: ProjectOdp | null;
  readonly predicted?: Predicted | null;
  readonly everyoneElse?: EveryoneElse;
  readonly holdouts?: ReadonlySet<string>;
  readonly kept?: KeptVariations | null;
  readonly invalidVariables?: InvalidVariables | null;
}

/** A client with a count of its users: it is closed when it is retired and the last of them has let go. */
export class FlagClient {
  readonly sdk: SdkClient;
  /** As the SDK knows them. */
  readonly flagKeys: readonly string[];
  /** Null where the project has no Data Platform, or the operator turned it off. */
  readonly odp: ProjectOdp | null;
  /** Null where no decision of the project needs a prediction. */
  readonly predicted: Predicted | null;
  /** Keys of the project's holdouts. */
  readonly holdouts: ReadonlySet<string>;
  /** Null where users have no profiles. */
  readonly kept: KeptVariations | null;
  /** Null where every variable has a value of its type. */
  readonly invalidVariables: InvalidVariables | null;
  /** Null where all decisions are the SDK's. */
  readonly decider: Decider | null;
  readonly #tap: Tap | null;
  readonly #send: SendEvent;
  readonly #onMistrusted: (flagKey: string) => void;
  readonly #everyoneElse: EveryoneElse;
  readonly #close: () => void;
  /** Users on whom a variation was forced once. */
  readonly #forcedUsers = new Set<string>();
  #users = 0;
  readonly #listeners = new Set<(note: Notification) => void>();
  #retired = false;

  constructor(sdk: SdkClient, close: () => void, traits: ClientTraits = {}) {
    this.sdk = sdk;
    this.flagKeys = traits.flagKeys ?? [];
    this.odp = traits.odp ?? null;
    this.predicted = traits.predicted ?? null;
    this.decider = traits.decider ?? null;
    this.#tap = traits.tap ?? null;
    this.#send = traits.send ?? (() => {});
    this.#onMistrusted = traits.onMistrusted ?? (() => {});
    this.#everyoneElse = traits.everyoneElse ?? new Map();
    this.holdouts = traits.holdouts ?? new Set();
    this.kept = traits.kept ?? null;
    this.invalidVariables = traits.invalidVariables ?? null;
    this.#close = close;
  }

  acquire(): SdkClient {
    this.#users++;
    return this.sdk;
  }

  release(): void {
    if (--this.#users === 0 && this.#retired) this.#close();
  }

  retire(): void {
    if (this.#retired) return;
    this.#retired = true;
    if (this.#users === 0) this.#close();
  }

  /**
   * Runs `work`, and keeps the client open until it has ended: the datafile may be replaced meanwhile, and one answer is made of one
   * revision.
   * @param work a promise only where it has to wait
   */
  use<T>(work: () => T | Promise<T>): T | Promise<T> {
    this.acquire();
    let isLate = false;
    try {
      const done = work();
      if (!(done instanceof Promise)) return done;
      isLate = true;
      return done.finally(() => this.release());
    } finally {
      if (!isLate) this.release();
    }
  }

  /** Whether there are listeners: then the SDK must be asked for all that there is to tell. */
  get isHeard(): boolean {
    return this.#listeners.size > 0;
  }

  /** Whether the decider may decide for a user: there are no listeners, and no variation is forced on the user. */
  isPlain(userId: string): boolean {
    return !this.isHeard && !this.#forcedUsers.has(userId);
  }

  /** See Overrides; false for what the project does not have. */
  setForcedVariation(experimentKey: string, userId: string, variationKey: string | null): boolean {
    this.#forcedUsers.add(userId);
    return this.sdk.setForcedVariation(experimentKey, userId, variationKey);
  }

  /** Whether a flag's rule is the one for users whom no other rule took. */
  isEveryoneElse(flagKey: string, ruleKey: string | null): boolean {
    return ruleKey !== null && this.#everyoneElse.get(flagKey)?.has(ruleKey) === true;
  }

  /** Asks the SDK, and shows which events it made of it. */
  tapped<T>(ask: (sdk: SdkClient) => T): ReturnType<typeof EventTap.prototype.during<T>> {
    if (this.#tap === null) return { value: ask(this.sdk), events: [] };
    return this.#tap.during(() => ask(this.sdk));
  }

  /** Sends one event of an outcome that is known. @param visitor made by visitorText() */
  send(pieces: EventPieces, visitor: string): void {
    this.#send(pieces, visitor);
  }

  /** The SDK has decided otherwise than the decider, which is asked for this flag no more. */
  mistrust(flagKey: string): void {
    this.decider?.distrust(flagKey);
    this.#onMistrusted(flagKey);
  }

  /** Hears what is decided and tracked until the returned function is called. */
  listen(onNote: (note: Notification) => void): () => void {
    const { notificationCenter } = this.sdk;
    const ids = [
      notificationCenter.addNotificationListener('DECISION', (decision) =>
        onNote(requestContext().decisionNotification(decision)),
      ),
      notificationCenter.addNotificationListener('TRACK', (track) =>
        onNote(requestContext().trackNotification(track)),
      ),
    ];
    this.#listeners.add(onNote);
    return () => {
      for (const id of ids) notificationCenter.removeNotificationListener(id);
      this.#listeners.delete(onNote);
    };
  }

  /** Tells listeners what the SDK does not say by itself. */
  tell(note: Notification): void {
    for (const onNote of this.#listeners) onNote(note);
  }
}
