// Decides flags for one user: by the engine where it may, else by the SDK, which is waited for where a variation has to be predicted.
// Every route that decides flags asks here. Knows nothing of HTTP.

import { type FailedPrediction, failureOf } from './cmab/failed.ts';
import type { FlagClient, Predicted } from './flag-client.ts';
import { ByEngine } from './flags/by-engine.ts';
import { type FlagDecision, flagDecision, unknownFlag } from './flags/decision.ts';
import type { DecisionRequest } from './flags/request.ts';
import { isPrototypeKey, sdkUser } from './flags/sdk-user.ts';
import { inContext, type RequestContext } from './request-context.ts';
import type { SdkDecideOptions, SdkDecision, SdkUser } from './sdk-types.ts';

/** A promise only where something outside has to be asked, or others must have their turn in between. */
export type Soon<T> = T | Promise<T>;

/** Flags decided before the time is looked at again: a hundred take as long as a few looks. */
const FLAGS_PER_LOOK = 16;
/** Decided together where a decision may have to ask for a prediction: those of one group are asked for at the same time. */
const PREDICTED_TOGETHER = 8;

/** How long one request may keep others waiting; see Turns. */
export interface DecisionTurns {
  readonly isOver: boolean;
  /** Whether a request that makes many events has to wait for room. */
  readonly isCrowded: boolean;
  next(makesEvents?: boolean): Promise<void>;
  long<T>(work: () => Promise<T>): Promise<T>;
}

export interface Pace {
  readonly turns: DecisionTurns;
  /** Once it is gone, deciding ends. */
  readonly asker: { readonly isGone: boolean };
}

export interface Manner {
  /** In which the request differs from others; see RequestContext. */
  readonly context?: Partial<RequestContext> | null;
  /** That the user is in; null or left out: nothing is known of them. */
  readonly segments?: readonly string[] | null;
}

export class UserDecisions {
  readonly #client: FlagClient;
  readonly #request: DecisionRequest;
  readonly #context: Partial<RequestContext> | null;
  readonly #segments: readonly string[] | null;
  readonly #engine: ByEngine | null;
  #user: SdkUser | null = null;
  #options: SdkDecideOptions | null = null;
  /** Flags that may be decided before the time is looked at. */
  #unlooked = FLAGS_PER_LOOK;

  constructor(client: FlagClient, request: DecisionRequest, { context, segments }: Manner = {}) {
    this.#client = client;
    this.#request = request;
    this.#context = context ?? null;
    this.#segments = segments ?? null;
    this.#engine = ByEngine.of({ client, request, context: context ?? {}, segments: this.#segments });
  }

  /** Whether a decision of one of them has to be waited for. */
  static needPrediction({ predicted }: FlagClient, flagKeys: readonly string[]): boolean {
    if (predicted === null) return false;
    const { byFlag } = predicted.rules;
    return byFlag.size > 0 && flagKeys.some((key) => byFlag.has(key));
  }

  /** Also of a flag that the project does not have. */
  one(flagKey: string): Soon<FlagDecision> {
    const client = this.#client;
    return client.use(() => {
      if (!UserDecisions.needPrediction(client, [flagKey])) return this.#oneNow(flagKey);
      return this.#predict([flagKey]).then(([decision]) => decision as FlagDecision);
    });
  }

  /**
   * One after another, in the order of the keys.
   * @param flagKeys each once
   * @param onDecision told of each; those of a request that waits for predictions are told together
   */
  each(
    flagKeys: readonly string[],
    pace: Pace,
    onDecision: (decision: FlagDecision) => void,
  ): void | Promise<void> {
    const client = this.#client;
    return client.use((): void | Promise<void> => {
      if (UserDecisions.needPrediction(client, flagKeys))
        return this.#predict(flagKeys, pace.turns).then((decisions) => decisions.forEach(onDecision));
      return this.#eachNow(flagKeys, pace, onDecision);
    });
  }

  #oneNow(flagKey: string): FlagDecision {
    const decision = this.#decide(flagKey);
    this.#engine?.keep();
    return decision;
  }

  #eachNow(
    flagKeys: readonly string[],
    { turns, asker }: Pace,
    onDecision: (decision: FlagDecision) => void,
  ): void | Promise<void> {
    // Many such requests may have come together: a decision of the SDK takes longer than a turn has left.
    if (this.#engine === null || turns.isOver) this.#unlooked = 0;
    const sends = !this.#request.decideOptions.includes('DISABLE_DECISION_EVENT');
    let at = 0;
    /** True when it has come to the end, false when others must have their turn first. */
    const goOn = (): boolean => {
      while (at < flagKeys.length) {
        if (--this.#unlooked < 0) {
          if (turns.isOver || (sends && turns.isCrowded)) return asker.isGone;
          this.#unlooked = FLAGS_PER_LOOK;
        }
        onDecision(this.#decide(flagKeys[at++] as string));
      }
      this.#engine?.keep();
      return true;
    };
    if (goOn()) return;
    return turns.long(async () => {
      do await turns.next(sends);
      while (!goOn());
    });
  }

  #decide(flagKey: string): FlagDecision {
    const engine = this.#engine;
    if (engine === null ? isPrototypeKey(flagKey) : !engine.has(flagKey)) return unknownFlag(flagKey);
    return engine?.decide(flagKey) ?? this.#bySdk(flagKey);
  }

  #bySdk(flagKey: string): FlagDecision {
    // Takes a hundred times as long as the engine, and longer the more attributes there are.
    this.#unlooked = 0;
    return this.#inContext(() => flagDecision(this.#sdkUser.decide(flagKey, this.#sdkOptions), this.#client));
  }

  async #predict(flagKeys: readonly string[], turns?: DecisionTurns): Promise<readonly FlagDecision[]> {
    const predicted = this.#client.predicted as Predicted;
    const { value, ids, unknown } = await predicted.cmab.traced(() =>
      this.#inContext(() => this.#decideLate(flagKeys, turns)),
    );
    return flagKeys.map((flagKey) => {
      const decided = value.get(flagKey);
      if (decided === undefined) return unknownFlag(flagKey);
      const decision = flagDecision(decided, this.#client);
      const rules = predicted.rules.byFlag.get(flagKey);
      const failure: FailedPrediction | null = failureOf(decision, rules, unknown);
      if (failure !== null) return { ...decision, ...failure };
      const { ruleKey, variationKey } = decision;
      if (ruleKey === null || variationKey === null) return decision;
      return { ...decision, predictionId: ids.get(rules?.get(ruleKey) ?? '') };
    });
  }

  async #decideLate(
    flagKeys: readonly string[],
    turns?: DecisionTurns,
  ): Promise<ReadonlyMap<string, SdkDecision>> {
    const decisions = new Map<string, SdkDecision>();
    const known = flagKeys.filter((key) => !isPrototypeKey(key));
    for (let i = 0; i < known.length; i += PREDICTED_TOGETHER) {
      if (turns?.isOver) await turns.next();
      const together = known.slice(i, i + PREDICTED_TOGETHER);
      const decided = await this.#sdkUser.decideForKeysAsync(together, this.#sdkOptions);
      for (const key of together) if (decided[key] !== undefined) decisions.set(key, decided[key]);
    }
    return decisions;
  }

  get #sdkUser(): SdkUser {
    this.#user ??= sdkUser(this.#client.sdk, this.#request, this.#segments);
    return this.#user;
  }

  /** Routes leave flags out of lists themselves: of a single one they answer also when it is off. */
  get #sdkOptions(): SdkDecideOptions {
    this.#options ??= this.#request.decideOptions.filter(
      (option) => option !== 'ENABLED_FLAGS_ONLY',
    ) as unknown as SdkDecideOptions;
    return this.#options;
  }

  #inContext<T>(work: () => T): T {
    return this.#context === null ? work() : inContext(this.#context, work);
  }
}
