// Decisions by the engine, for one request: what they send and what they tell listeners. Requests that want reasons are the SDK's.

import type { Decided } from '../../../core/engine/engine.ts';
import { type ForcedDecisions, type User, WHOLE_FLAG } from '../../../core/engine/user.ts';
import type { FlagClient } from '../flag-client.ts';
import { PLAIN, type RequestContext } from '../request-context.ts';
import type { DecisionPayload } from '../sdk-types.ts';
import type { FlagDecision } from './decision.ts';
import type { DecisionRequest, ForcedDecision } from './request.ts';
import { forSdk, isPrototypeKey } from './sdk-user.ts';

export interface EngineQuestion {
  readonly client: FlagClient;
  readonly request: DecisionRequest;
  readonly context: Partial<RequestContext>;
  /** That the user is in; null: nothing is known of them. */
  readonly segments: readonly string[] | null;
}

export class ByEngine {
  readonly #client: FlagClient;
  readonly #request: DecisionRequest;
  readonly #context: RequestContext;
  readonly #user: User;
  readonly #sends: boolean;
  #visitor: string | null = null;

  private constructor({ client, request, context, segments }: EngineQuestion) {
    const { userId, userAttributes, forcedDecisions, decideOptions } = request;
    this.#client = client;
    this.#request = request;
    this.#context = { ...PLAIN, ...context };
    this.#user = client.user(userId, forSdk(userAttributes), {
      segments,
      forced: forcedBy(forcedDecisions),
      hasProfile: !decideOptions.includes('IGNORE_USER_PROFILE_SERVICE'),
    });
    this.#sends = !decideOptions.includes('DISABLE_DECISION_EVENT');
  }

  /** Null where the request is the SDK's as a whole. */
  static of(question: EngineQuestion): ByEngine | null {
    return question.request.decideOptions.includes('INCLUDE_REASONS') ? null : new ByEngine(question);
  }

  has(flagKey: string): boolean {
    return this.#client.engine.has(flagKey);
  }

  /** Sends what there is to send. Null where the SDK has to decide. */
  decide(flagKey: string): FlagDecision | null {
    const decided = this.#client.decide(flagKey, this.#user);
    if (decided === null) return null;
    if (this.#sends) this.#send(decided);
    if (this.#client.isHeard) this.#tell(decided);
    return decided.said.decision;
  }

  /** After the last decision: saves the variations that the user is to keep. */
  keep(): void {
    this.#client.keep(this.#user);
  }

  #send({ said: { events } }: Decided): void {
    for (const event of events)
      if (event.hasVariation || this.#context.sendsEmptyImpressions)
        this.#client.send(event, this.#visitorText());
  }

  /** In the words of the SDK's own notification. */
  #tell({ outcome, said: { decision, events } }: Decided): void {
    const { flagKey, ruleKey, variationKey, enabled, variables, reasons } = decision;
    const decisionInfo = {
      ...{ flagKey, ruleKey, variationKey, enabled, reasons },
      variables: this.#request.decideOptions.includes('EXCLUDE_VARIABLES') ? {} : variables,
      decisionEventDispatched: this.#sends && events.length > 0,
      experimentId: outcome.rule?.id ?? null,
      variationId: outcome.variation?.id ?? null,
    };
    const { userId, attributes } = this.#user;
    const payload = { type: 'flag', userId, attributes, decisionInfo } as unknown as DecisionPayload;
    this.#client.tell(this.#context.decisionNotification(payload));
  }

  #visitorText(): string {
    this.#visitor ??= this.#client.engine.visitor(this.#user);
    return this.#visitor;
  }
}

/** Null where nothing is forced. Names that every object has are no flag's and no rule's: see sdkUser(). */
function forcedBy(forced: readonly ForcedDecision[]): ForcedDecisions | null {
  if (forced.length === 0) return null;
  const byFlag = new Map<string, Map<string, string>>();
  for (const { flagKey, ruleKey, variationKey } of forced) {
    if (isPrototypeKey(flagKey) || isPrototypeKey(ruleKey)) continue;
    const rules = byFlag.get(flagKey) ?? new Map<string, string>();
    byFlag.set(flagKey, rules.set(ruleKey === '' ? WHOLE_FLAG : ruleKey, variationKey));
  }
  return byFlag;
}
