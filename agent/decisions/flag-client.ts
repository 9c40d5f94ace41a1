// What decides by one revision: the engine, and the SDK's client for what the engine does not decide. With a count of its users: it
// is closed when it is retired and the last of them has let go. Knows nothing of where datafiles come from or of HTTP.

import type { Decided, Engine } from '../../core/engine/engine.ts';
import type { EventPieces } from '../../core/engine/said/event-text.ts';
import { type HandedIn, User } from '../../core/engine/user.ts';
import type { SendEvent } from '../events/from-engine.ts';
import type { Notification } from '../notifications/notification.ts';
import type { Cmab } from './cmab/cmab.ts';
import type { InvalidVariables } from './invalid-variables.ts';
import { LazySdk } from './lazy-sdk.ts';
import type { ProjectOdp } from './odp/odp.ts';
import type { KeptVariations, SdkProfiles } from './profiles/kept-variations.ts';
import { profileWith } from './profiles/profile-with.ts';
import { type PredictedRules, ProjectTraits } from './project-traits.ts';
import type { BuiltSdk } from './sdk-client.ts';
import type { SdkClient } from './sdk-types.ts';

/** Rules whose variation is asked for while a decision is made. */
export interface Predicted {
  readonly rules: PredictedRules;
  readonly cmab: Cmab;
}

export interface ClientParts {
  readonly engine: Engine;
  /** The object that the engine decides by. */
  readonly parsed: unknown;
  /** @throws FanoutError DATAFILE_UNLOADABLE */
  readonly buildSdk: () => BuiltSdk;
  readonly closeSdk: (sdk: SdkClient) => void;
  /** Null: users have no profiles. */
  readonly profiles: SdkProfiles | null;
  /** Takes the events of the engine's decisions. */
  readonly send: SendEvent;
  readonly odp: (traits: ProjectTraits) => ProjectOdp | null;
  /** Null where nothing outside may be asked. */
  readonly cmab: Cmab | null;
  /** A flag whose decision was another than the SDK's. */
  readonly onMistrusted: (flagKey: string) => void;
  /** Told of each decision of the engine. */
  readonly onDecided?: (client: FlagClient, flagKey: string, user: User) => void;
}

export class FlagClient {
  readonly engine: Engine;
  readonly #parts: ClientParts;
  readonly #traits: ProjectTraits;
  readonly #sdk: LazySdk;
  /** Forced by testers: user → experiment id → variation id. */
  readonly #overrides = new Map<string, Map<string, string>>();
  readonly #listeners = new Set<(note: Notification) => void>();
  #odp: ProjectOdp | null | undefined = undefined;
  #predicted: Predicted | null | undefined = undefined;
  #users = 0;
  #retired = false;

  constructor(parts: ClientParts) {
    const { engine, parsed, buildSdk, closeSdk } = parts;
    this.#parts = parts;
    this.engine = engine;
    this.#traits = new ProjectTraits(parsed);
    this.#sdk = new LazySdk(buildSdk, closeSdk, (note) => this.tell(note));
  }

  /** The SDK's client, built when it is first asked for. @throws FanoutError DATAFILE_UNLOADABLE */
  get sdk(): SdkClient {
    return this.#sdk.built.client;
  }

  get isSdkBuilt(): boolean {
    return this.#sdk.isBuilt;
  }

  /** Null where users have no profiles. Of the SDK's decisions; asking for it builds the SDK's client. */
  get kept(): KeptVariations | null {
    return this.#sdk.built.kept;
  }

  /** Of the SDK's decisions, the engine makes none with an invalid value; null where every variable has one of its type. */
  get invalidVariables(): InvalidVariables | null {
    return this.#sdk.isBuilt ? this.#sdk.built.invalidVariables : null;
  }

  get flagKeys(): readonly string[] {
    return this.engine.flagKeys;
  }

  /** Null where the project has no Data Platform, or the operator turned it off. */
  get odp(): ProjectOdp | null {
    if (this.#odp === undefined) this.#odp = this.#parts.odp(this.#traits);
    return this.#odp;
  }

  /** Null where no decision of the project needs a prediction. */
  get predicted(): Predicted | null {
    if (this.#predicted === undefined) {
      const { cmab } = this.#parts;
      const rules = cmab === null ? null : this.#traits.predicted;
      this.#predicted = cmab === null || rules === null ? null : { rules, cmab };
    }
    return this.#predicted;
  }

  /** Keys of the project's holdouts. */
  get holdouts(): ReadonlySet<string> {
    return this.#traits.holdouts;
  }

  /** Whether a flag's rule is the one for users whom no other rule took. */
  isEveryoneElse(flagKey: string, ruleKey: string | null): boolean {
    return ruleKey !== null && this.#traits.everyoneElse.get(flagKey)?.has(ruleKey) === true;
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

  acquire(): void {
    this.#users++;
  }

  release(): void {
    if (--this.#users === 0 && this.#retired) this.#sdk.close();
  }

  retire(): void {
    if (this.#retired) return;
    this.#retired = true;
    if (this.#users === 0) this.#sdk.close();
  }

  get isRetired(): boolean {
    return this.#retired;
  }

  /**
   * A user as the engine decides for it, with its overrides and its profile.
   * @param attributes see forSdk()
   */
  user(
    userId: string,
    attributes: Readonly<Record<string, unknown>>,
    {
      segments,
      forced,
      hasProfile,
    }: Pick<HandedIn, 'segments' | 'forced'> & { readonly hasProfile: boolean },
  ): User {
    const { profiles } = this.#parts;
    return new User(userId, attributes, {
      segments: segments ?? null,
      forced: forced ?? null,
      overrides: this.#overrides.get(userId) ?? null,
      profile: profiles === null || !hasProfile ? null : profiles.lookup(userId).experiment_bucket_map,
    });
  }

  /** @returns null for a flag that the project does not have, or that the SDK has to decide */
  decide(flagKey: string, user: User): Decided | null {
    const decided = this.engine.decide(flagKey, user);
    if (decided !== null) this.#parts.onDecided?.(this, flagKey, user);
    return decided;
  }

  /** Saves what the decisions for a user are to keep. After the last of them. */
  keep(user: User): void {
    const { profiles } = this.#parts;
    if (profiles === null || user.toKeep === null) return;
    profiles.save(profileWith(profiles.lookup(user.userId), user.toKeep));
    user.toKeep = null;
  }

  /** Sends one event of the engine's. @param visitor see Engine.visitor() */
  send(pieces: EventPieces, visitor: string): void {
    this.#parts.send(pieces, visitor);
  }

  /** Asks the SDK so that no listener hears of it, and no profile is touched that the question does not bring. */
  quietly<T>(ask: (sdk: SdkClient) => T): T {
    return this.#sdk.quietly(ask);
  }

  /** The SDK has decided otherwise than the engine, which is asked for this flag no more. */
  mistrust(flagKey: string): void {
    this.engine.mistrust(flagKey);
    this.#parts.onMistrusted(flagKey);
  }

  /** From now on the flag is off for every user: deciding it fails. */
  setAside(flagKey: string): void {
    this.engine.setAside(flagKey);
    this.#sdk.setAside(flagKey);
  }

  /** See Overrides. What the project does not have is passed over. */
  setForcedVariation(experimentKey: string, userId: string, variationKey: string | null): void {
    this.#sdk.setForcedVariation(experimentKey, userId, variationKey);
    const ids = this.engine.overrideIds(experimentKey, variationKey ?? '');
    if (ids === null) return;
    const own = this.#overrides.get(userId) ?? new Map<string, string>();
    if (variationKey === null) own.delete(ids.experimentId);
    else if (ids.variationId !== null) own.set(ids.experimentId, ids.variationId);
    if (own.size === 0) this.#overrides.delete(userId);
    else this.#overrides.set(userId, own);
  }

  /** Whether anything listens to what is decided. */
  get isHeard(): boolean {
    return this.#listeners.size > 0;
  }

  /** Hears what is decided and tracked until the returned function is called. */
  listen(onNote: (note: Notification) => void): () => void {
    this.#listeners.add(onNote);
    return () => {
      this.#listeners.delete(onNote);
    };
  }

  tell(note: Notification): void {
    for (const onNote of this.#listeners) onNote(note);
  }
}
