// Decisions by the decider, for the usual request: a user with attributes, and nothing that would change what the rules say.
// The first time that an outcome comes up the SDK is asked too; if it decides otherwise, its word holds.

import { type Decider, plainUser } from '../decider/decider.ts';
import type { CompiledFlag, DecidedUser } from '../decider/flag.ts';
import type { AnswerPieces, Outcome } from '../decider/outcome.ts';
import { eventPieces, visitorText } from '../decider/tap.ts';
import type { FlagClient } from '../flag-client.ts';
import type { DecideRequest } from './decide-request.ts';
import { type DecideOptions, unknownFlag, userContext } from './decision.ts';
import { answerPieces, answerText, userText } from './decision-text.ts';
import { forSdk } from './user-check.ts';

const WITH_EVENT: DecideOptions = [];
const QUIET = ['DISABLE_DECISION_EVENT'] as unknown as DecideOptions;

/** The answer's JSON; null where the request is not of the usual kind. */
export function decidePlain(
  client: FlagClient,
  request: DecideRequest,
  keys: readonly string[],
): string | null {
  const { decider } = client;
  if (decider === null || !client.isPlain(request.userId) || !isUsual(request)) return null;
  const user = plainUser(request.userId, forSdk(request.userAttributes));
  const question = new Question(client, decider, user, request);
  const [only] = keys;
  if (keys.length === 1 && only !== undefined) return question.one(only);
  return question.several(keys.length === 0 ? decider.flagKeys : new Set(keys));
}

const isUsual = ({ forcedDecisions, decideOptions }: DecideRequest): boolean =>
  forcedDecisions.length === 0 && !decideOptions.includes('INCLUDE_REASONS');

class Question {
  readonly #client: FlagClient;
  readonly #decider: Decider;
  readonly #user: DecidedUser;
  readonly #request: DecideRequest;
  readonly #sends: boolean;
  readonly #hasVariables: boolean;
  readonly #who: string;
  #visitor: string | null = null;

  constructor(client: FlagClient, decider: Decider, user: DecidedUser, request: DecideRequest) {
    this.#client = client;
    this.#decider = decider;
    this.#user = user;
    this.#request = request;
    this.#sends = !request.decideOptions.includes('DISABLE_DECISION_EVENT');
    this.#hasVariables = !request.decideOptions.includes('EXCLUDE_VARIABLES');
    this.#who = userText(request);
  }

  /** Of a single flag it is said too when it is off, whatever the options. */
  one(flagKey: string): string {
    return this.#decider.has(flagKey) ? this.#text(this.#decide(flagKey)) : this.#unknown(flagKey);
  }

  several(flagKeys: Iterable<string>): string {
    const onlyEnabled = this.#request.decideOptions.includes('ENABLED_FLAGS_ONLY');
    let list = '';
    for (const flagKey of flagKeys) {
      let text = '';
      if (this.#decider.has(flagKey)) {
        const pieces = this.#decide(flagKey);
        if (!onlyEnabled || pieces.enabled) text = this.#text(pieces);
      } else if (!onlyEnabled) text = this.#unknown(flagKey);
      if (text !== '') list += list === '' ? text : `,${text}`;
    }
    return `[${list}]`;
  }

  #text(pieces: AnswerPieces): string {
    return answerText(pieces, this.#who, this.#hasVariables);
  }

  #unknown(flagKey: string): string {
    return JSON.stringify(unknownFlag(flagKey, this.#request));
  }

  #decide(flagKey: string): AnswerPieces {
    const flag = this.#decider.flag(flagKey);
    const outcome = flag?.decide(this.#user) ?? null;
    if (outcome === null) return this.#askSdk(flagKey).answer;
    const { answer, event } = outcome;
    if (answer === null || (this.#sends && event === undefined))
      return this.#learn(flag as CompiledFlag, outcome);
    if (this.#sends && event) this.#client.send(event, this.#visitorText());
    return answer;
  }

  /** The SDK decides, and sends what there is to send. */
  #learn({ key }: CompiledFlag, outcome: Outcome): AnswerPieces {
    const { answer, ruleKey, variationKey, events } = this.#askSdk(key);
    if (ruleKey !== outcome.ruleKey || variationKey !== outcome.variationKey) {
      this.#client.mistrust(key);
      return answer;
    }
    outcome.answer = answer;
    if (!this.#sends) return answer;
    const [event] = events;
    outcome.event = event === undefined ? null : eventPieces(event, this.#visitorText());
    if (events.length > 1 || outcome.event === undefined) this.#client.mistrust(key);
    return answer;
  }

  #askSdk(flagKey: string) {
    const options = this.#sends ? WITH_EVENT : QUIET;
    const { value, events } = this.#client.tapped((sdk) =>
      userContext(sdk, this.#request).decide(flagKey, options),
    );
    const { ruleKey, variationKey } = value;
    return { answer: answerPieces(value, this.#client), ruleKey, variationKey, events };
  }

  #visitorText(): string {
    const { userId, attributes } = this.#user;
    this.#visitor ??= visitorText(userId, this.#decider.eventAttributes(attributes));
    return this.#visitor;
  }
}
