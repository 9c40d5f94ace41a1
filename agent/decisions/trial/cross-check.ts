// Holds some of the engine's decisions to the SDK's while the agent serves. Later, off the answer's way: where both differ, the flag is the
// SDK's from then on. Compares what was decided, not how it is said in events: for that there are tests.

import type { Random } from '../../../core/clock.ts';
import { User, WHOLE_FLAG } from '../../../core/engine/user.ts';
import type { FlagClient } from '../flag-client.ts';
import { FetchedProfile, type ProfileSession } from '../profiles/request-profiles.ts';
import type { SdkAttributes, SdkClient, SdkDecideOptions } from '../sdk-types.ts';
import type { IdleWork } from './idle-work.ts';

/** On the average one decision of so many. */
export const CHECKED_EVERY = 1_000;
/** Between two checks: each takes a few hundredths of a millisecond. */
export const CHECK_PAUSE_MS = 200;
/**
 * A revision serves for so long before it is checked: the SDK's client has to be built for it, which a project whose datafile changes
 * often must not pay at every change.
 */
export const CHECKED_AFTER_MS = 60_000;

const QUIET = ['DISABLE_DECISION_EVENT'];
const WITHOUT_PROFILE = ['IGNORE_USER_PROFILE_SERVICE'];

export interface CrossCheckOptions {
  readonly idle: IdleWork;
  readonly random: Random;
  /** Runs `decide` with the profile of a session; left out, users with profiles are not checked. */
  readonly serve?: <T>(session: ProfileSession, decide: () => T) => T;
  readonly onChecked: (isSame: boolean) => void;
  /** The SDK could not be asked. */
  readonly onFailed: (error: unknown) => void;
  /** See CHECKED_EVERY. */
  readonly every?: number;
}

export class CrossCheck {
  readonly #options: CrossCheckOptions;
  readonly #every: number;
  #left: number;
  #nextMs = 0;

  constructor(options: CrossCheckOptions) {
    this.#options = options;
    this.#every = options.every ?? CHECKED_EVERY;
    this.#left = this.#draw();
  }

  /** @param sinceMs when the revision began to serve */
  decided(client: FlagClient, sinceMs: number, flagKey: string, user: User): void {
    if (--this.#left > 0) return;
    this.#left = this.#draw();
    const { idle, serve } = this.#options;
    const { nowMs } = idle;
    if (nowMs < this.#nextMs || nowMs < sinceMs + CHECKED_AFTER_MS) return;
    // What a tester forces may have changed when it is checked.
    if (user.overrides !== null || (user.profile !== null && serve === undefined)) return;
    if (idle.add(this.#check(client, flagKey, user))) this.#nextMs = nowMs + CHECK_PAUSE_MS;
  }

  *#check(
    client: FlagClient,
    flagKey: string,
    { userId, attributes, ...brought }: User,
  ): Iterator<undefined> {
    try {
      // Building the SDK's client takes the longest: a step of its own.
      if (!client.isRetired && !client.isSdkBuilt) {
        void client.sdk;
        yield;
      }
      if (client.isRetired) return;
      // A new one: what its first decision kept must not be found by the second.
      const isSame = this.#isSame(client, flagKey, new User(userId, attributes, brought));
      if (isSame === null) return;
      this.#options.onChecked(isSame);
      if (!isSame) client.mistrust(flagKey);
    } catch (error) {
      this.#options.onFailed(error);
    }
  }

  /** Null where the engine does not decide the flag any more. */
  #isSame(client: FlagClient, flagKey: string, user: User): boolean | null {
    const decided = client.engine.decide(flagKey, user);
    if (decided === null) return null;
    const ask = () => client.quietly((sdk) => bySdk(sdk, flagKey, user));
    const { serve } = this.#options;
    const { userId: user_id, profile } = user;
    const sdk =
      profile === null || serve === undefined
        ? ask()
        : serve(new FetchedProfile({ user_id, experiment_bucket_map: profile }), ask);
    const { outcome, said } = decided;
    return (
      outcome.ruleKey === sdk.ruleKey &&
      outcome.variationKey === sdk.variationKey &&
      outcome.enabled === sdk.enabled &&
      JSON.stringify(said.decision.variables) === JSON.stringify(sdk.variables)
    );
  }

  /** Not at regular intervals: of a request for all flags the same ones would be checked each time. */
  #draw(): number {
    return 1 + Math.floor(this.#options.random() * 2 * this.#every);
  }
}

function bySdk(sdk: SdkClient, flagKey: string, { userId, attributes, segments, forced, profile }: User) {
  const user = sdk.createUserContext(userId, attributes as SdkAttributes);
  if (segments !== null) user.qualifiedSegments = [...segments];
  for (const [forcedFlag, rules] of forced ?? [])
    for (const [ruleKey, variationKey] of rules) {
      const what = ruleKey === WHOLE_FLAG ? { flagKey: forcedFlag } : { flagKey: forcedFlag, ruleKey };
      user.setForcedDecision(what, { variationKey });
    }
  const options = profile === null ? [...QUIET, ...WITHOUT_PROFILE] : QUIET;
  return user.decide(flagKey, options as unknown as SdkDecideOptions);
}
