// Decisions by the decider, for the usual request: a user with attributes, and nothing that would change what the rules say.
// The first time that an outcome comes up the SDK is asked too; if it decides otherwise, its word holds.

import { type Decider, plainUser } from '../../decisions/decider/decider.ts';
import { eventPieces, visitorText } from '../../decisions/decider/event-tap.ts';
import type { CompiledFlag, DecidedUser } from '../../decisions/decider/flag.ts';
import type { AnswerPieces, Outcome } from '../../decisions/decider/outcome.ts';
import type { FlagClient } from '../../decisions/flag-client.ts';
import type { Exchange } from '../kernel/exchange.ts';
import type { Turns } from '../kernel/turns.ts';
import { forSdk } from '../rest/user-check.ts';
import { type DecideOptions, onlyEnabled, unknownFlag, userContext } from './decision.ts';
import { answerPieces, answerText, userText } from './decision-text.ts';
import type { DecideRequest } from './request.ts';

const WITH_EVENT: DecideOptions = [];
const QUIET = ['DISABLE_DECISION_EVENT'] as unknown as DecideOptions;

/** Flags decided before the time is looked at again: a hundred take as long as a few looks. */
const FLAGS_PER_LOOK = 16;

/** The answer's JSON, a promise of it where it takes long; null where the request is not of the usual kind. */
export function decidePlain(
  client: FlagClient,
  request: DecideRequest,
  keys: readonly string[],
  turns: Turns,
  exchange: Pick<Exchange, 'hold' | 'isGone'>,
): string | Promise<string> | null {
  const { decider } = client;
  if (decider === null || !client.isPlain(request.userId) || !isUsual(request)) return null;
  const user = plainUser(request.userId, forSdk(request.userAttributes));
  const question = new Question(client, decider, user, request);
  const [only] = keys;
  if (keys.length === 1 && only !== undefined) return question.one(only);
  return question.several(keys.length === 0 ? decider.flagKeys : [...new Set(keys)], turns, exchange);
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
  /** Flags that may be decided before the time is looked at. */
  #unlooked = FLAGS_PER_LOOK;

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

  several(
    flagKeys: readonly string[],
    turns: Turns,
    exchange: Pick<Exchange, 'hold' | 'isGone'>,
  ): string | Promise<string> {
    const isShort = onlyEnabled(this.#request);
    // So often the user comes back, or is sent on.
    exchange.hold(this.#who.length * flagKeys.length);
    let list = '';
    let at = 0;
    /** True when it has come to the end, false when others must have their turn first. */
    const goOn = (): boolean => {
      while (at < flagKeys.length) {
        if (--this.#unlooked < 0) {
          exchange.hold(list.length);
          if (turns.isOver || (this.#sends && turns.isCrowded)) return exchange.isGone;
          this.#unlooked = FLAGS_PER_LOOK;
        }
        const text = this.#listed(flagKeys[at++] as string, isShort);
        if (text !== '') list += list === '' ? text : `,${text}`;
      }
      return true;
    };
    const rest = async (): Promise<string> => {
      do await turns.next(this.#sends);
      while (!goOn());
      return `[${list}]`;
    };
    return goOn() ? `[${list}]` : turns.long(rest);
  }

  /** Empty for a flag that is left out. */
  #listed(flagKey: string, isShort: boolean): string {
    if (!this.#decider.has(flagKey)) return isShort ? '' : this.#unknown(flagKey);
    const pieces = this.#decide(flagKey);
    return isShort && !pieces.enabled ? '' : this.#text(pieces);
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
    // Takes a hundred times as long, and longer the more attributes there are.
    this.#unlooked = 0;
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
