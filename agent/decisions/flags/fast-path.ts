// Decisions by the decider, for the usual request: a user with attributes, and nothing that would change what the rules say.
// The first time that an outcome comes up the SDK is asked too; if it decides otherwise, its word holds.

import { type Decider, plainUser } from '../decider/decider.ts';
import { eventPieces, visitorText } from '../decider/event-tap.ts';
import type { CompiledFlag, DecidedUser } from '../decider/flag.ts';
import type { Outcome } from '../decider/outcome.ts';
import type { FlagClient } from '../flag-client.ts';
import type { SdkDecideOptions, SdkDecision } from '../sdk-types.ts';
import { type FlagDecision, flagDecision } from './decision.ts';
import type { DecisionRequest } from './request.ts';
import { forSdk } from './sdk-user.ts';

const WITH_EVENT: SdkDecideOptions = [];
const QUIET = ['DISABLE_DECISION_EVENT'] as unknown as SdkDecideOptions;

export interface FastPathDeps {
  readonly client: FlagClient;
  readonly request: DecisionRequest;
  /** Whether an impression is sent also of a user who is in no variation. */
  readonly sendsEmptyImpressions: boolean;
  readonly askSdk: (flagKey: string, options: SdkDecideOptions) => SdkDecision;
}

export class FastPath {
  readonly #deps: FastPathDeps;
  readonly #decider: Decider;
  readonly #user: DecidedUser;
  readonly #sends: boolean;
  #visitor: string | null = null;

  private constructor(deps: FastPathDeps, decider: Decider) {
    const { userId, userAttributes, decideOptions } = deps.request;
    this.#deps = deps;
    this.#decider = decider;
    this.#user = plainUser(userId, forSdk(userAttributes));
    this.#sends = !decideOptions.includes('DISABLE_DECISION_EVENT');
  }

  /** Null where the request is not of the usual kind. */
  static for(deps: FastPathDeps): FastPath | null {
    const { client, request } = deps;
    const { decider } = client;
    if (decider === null || !client.isPlain(request.userId) || !isUsual(request)) return null;
    return new FastPath(deps, decider);
  }

  has(flagKey: string): boolean {
    return this.#decider.has(flagKey);
  }

  /** Sends what there is to send. Null where the SDK has to decide. */
  decide(flagKey: string): FlagDecision | null {
    const flag = this.#decider.flag(flagKey);
    const outcome = flag?.decide(this.#user) ?? null;
    if (outcome === null) return null;
    const { decision, event } = outcome;
    const sends = this.#sendsOf(outcome);
    if (decision === null || (sends && event === undefined))
      return this.#learn(flag as CompiledFlag, outcome, sends);
    if (sends && event) this.#deps.client.send(event, this.#visitorText());
    return decision;
  }

  /** The SDK decides, and sends what there is to send. Null where it has to be asked once more: no event was sent. */
  #learn({ key }: CompiledFlag, outcome: Outcome, sends: boolean): FlagDecision | null {
    const { client, askSdk } = this.#deps;
    const { value, events } = client.tapped(() => askSdk(key, sends ? WITH_EVENT : QUIET));
    const decision = flagDecision(value, client);
    if (decision.ruleKey !== outcome.ruleKey || decision.variationKey !== outcome.variationKey) {
      client.mistrust(key);
      return sends === this.#sends ? decision : null;
    }
    outcome.decision = decision;
    if (!sends) return decision;
    const [event] = events;
    outcome.event = event === undefined ? null : eventPieces(event, this.#visitorText());
    if (events.length > 1 || outcome.event === undefined) client.mistrust(key);
    return decision;
  }

  #sendsOf({ variationKey }: Outcome): boolean {
    return this.#sends && (variationKey !== null || this.#deps.sendsEmptyImpressions);
  }

  #visitorText(): string {
    const { userId, attributes } = this.#user;
    this.#visitor ??= visitorText(userId, this.#decider.eventAttributes(attributes));
    return this.#visitor;
  }
}

const isUsual = ({ forcedDecisions, decideOptions }: DecisionRequest): boolean =>
  forcedDecisions.length === 0 && !decideOptions.includes('INCLUDE_REASONS');
