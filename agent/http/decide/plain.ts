// Decisions by the engine. What it refuses is asked of the SDK, flag by flag; a request that wants reasons is the SDK's as a whole.

import type { Decided } from '../../../core/engine/engine.ts';
import { answerText } from '../../../core/engine/said/answer.ts';
import { type ForcedDecisions, type User, WHOLE_FLAG } from '../../../core/engine/user.ts';
import type { FlagClient } from '../../decisions/flag-client.ts';
import { decisionNotification } from '../../notifications/notification.ts';
import type { Exchange } from '../kernel/exchange.ts';
import type { Turns } from '../kernel/turns.ts';
import { forSdk } from '../rest/user-check.ts';
import { isPrototypeKey, onlyEnabled, unknownFlag } from './decision.ts';
import { userText } from './decision-text.ts';
import type { DecideRequest, ForcedDecision } from './request.ts';

/** Flags decided before the time is looked at again: a hundred take as long as a few looks. */
const FLAGS_PER_LOOK = 16;

/** A flag's decision as JSON. */
export interface DecidedText {
  readonly enabled: boolean;
  readonly text: string;
}

export interface PlainContext {
  readonly turns: Turns;
  readonly exchange: Pick<Exchange, 'hold' | 'isGone'>;
  /** Null where they were not asked for. */
  readonly segments: readonly string[] | null;
  /** The SDK's decision of a flag that the engine refuses. */
  readonly bySdk: (flagKey: string) => DecidedText;
}

/** The answer's JSON, a promise of it where it takes long; null where the request is the SDK's. */
export function decidePlain(
  client: FlagClient,
  request: DecideRequest,
  keys: readonly string[],
  context: PlainContext,
): string | Promise<string> | null {
  if (request.decideOptions.includes('INCLUDE_REASONS')) return null;
  const question = new Question(client, request, context);
  const [only] = keys;
  if (keys.length === 1 && only !== undefined) return question.one(only);
  return question.several(keys.length === 0 ? client.flagKeys : [...new Set(keys)]);
}

class Question {
  readonly #client: FlagClient;
  readonly #user: User;
  readonly #request: DecideRequest;
  readonly #context: PlainContext;
  readonly #sends: boolean;
  readonly #hasVariables: boolean;
  readonly #who: string;
  #visitor: string | null = null;
  /** Flags that may be decided before the time is looked at. */
  #unlooked = FLAGS_PER_LOOK;

  constructor(client: FlagClient, request: DecideRequest, context: PlainContext) {
    const { userId, userAttributes, decideOptions, forcedDecisions } = request;
    this.#client = client;
    this.#request = request;
    this.#context = context;
    this.#user = client.user(userId, forSdk(userAttributes), {
      segments: context.segments,
      forced: forcedBy(forcedDecisions),
      hasProfile: !decideOptions.includes('IGNORE_USER_PROFILE_SERVICE'),
    });
    this.#sends = !decideOptions.includes('DISABLE_DECISION_EVENT');
    this.#hasVariables = !decideOptions.includes('EXCLUDE_VARIABLES');
    this.#who = userText(request);
  }

  /** Of a single flag it is said too when it is off, whatever the options. */
  one(flagKey: string): string {
    if (!this.#client.engine.has(flagKey)) return this.#unknown(flagKey);
    const decided = this.#decide(flagKey);
    const text = decided === null ? this.#context.bySdk(flagKey).text : this.#text(decided);
    this.#client.keep(this.#user);
    return text;
  }

  several(flagKeys: readonly string[]): string | Promise<string> {
    const { turns, exchange } = this.#context;
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
          if (turns.isOver) return exchange.isGone;
          this.#unlooked = FLAGS_PER_LOOK;
        }
        const text = this.#listed(flagKeys[at++] as string, isShort);
        if (text !== '') list += list === '' ? text : `,${text}`;
      }
      this.#client.keep(this.#user);
      return true;
    };
    const rest = async (): Promise<string> => {
      do await turns.next();
      while (!goOn());
      return `[${list}]`;
    };
    return goOn() ? `[${list}]` : turns.long(rest);
  }

  /** Empty for a flag that is left out. */
  #listed(flagKey: string, isShort: boolean): string {
    if (!this.#client.engine.has(flagKey)) return isShort ? '' : this.#unknown(flagKey);
    const decided = this.#decide(flagKey);
    if (decided === null) {
      // Takes a hundred times as long, and longer the more attributes there are.
      this.#unlooked = 0;
      const { enabled, text } = this.#context.bySdk(flagKey);
      return isShort && !enabled ? '' : text;
    }
    return isShort && !decided.outcome.enabled ? '' : this.#text(decided);
  }

  #unknown(flagKey: string): string {
    return JSON.stringify(unknownFlag(flagKey, this.#request));
  }

  /** Sends what there is to send. Null where the SDK has to decide. */
  #decide(flagKey: string): Decided | null {
    const decided = this.#client.decide(flagKey, this.#user);
    if (decided === null) return null;
    const { events } = decided.said;
    if (this.#sends) for (const event of events) this.#client.send(event, this.#visitorText());
    if (this.#client.isHeard) this.#tell(flagKey, decided);
    return decided;
  }

  #text({ said }: Decided): string {
    return answerText(said.answer, this.#who, this.#hasVariables);
  }

  /** In the words of the SDK's own notification. */
  #tell(flagKey: string, { outcome, said }: Decided): void {
    const { userId, userAttributes: attributes } = this.#request;
    const { enabled, variationKey, ruleKey, rule, variation } = outcome;
    const decisionInfo = {
      ...{ flagKey, enabled, variationKey, ruleKey, reasons: [] },
      variables: this.#hasVariables ? said.variables : {},
      decisionEventDispatched: this.#sends && said.events.length > 0,
      experimentId: rule?.id ?? null,
      variationId: variation?.id ?? null,
    };
    const { segments } = this.#context;
    const payload = { type: 'flag', userId, attributes, decisionInfo } as never;
    this.#client.tell(decisionNotification(payload, { attributes, segments }));
  }

  #visitorText(): string {
    this.#visitor ??= this.#client.engine.visitor(this.#user);
    return this.#visitor;
  }
}

/** Null where nothing is forced. Names that every object has are no flag's and no rule's: see userContext(). */
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
