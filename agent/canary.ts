// Decisions tried on a new client before it serves: a datafile can load and still make a decision throw, and then the last
// good one must stay. Sends no event, tells no listener, touches no profile. Knows neither the SDK's package nor sources.

import { FanoutError, messageOf } from '../core/errors.ts';
import type { SdkKey, Seq } from '../core/ids.ts';
import { plainUser } from './decider/decider.ts';
import type { FlagClient } from './flag-client.ts';

/** Decisions per datafile: about 0.6 ms of a swap of 250 KB, which takes eight times as long. */
export const CANARY_DECISIONS_MAX = 64;
/** Conditions that are read for what users may look like; beyond them audiences repeat themselves. */
const CONDITIONS_READ_MAX = 500;
const NESTING_MAX = 64;
/** In the words of the SDK's options: what a decision leaves behind is left out, what it computes is not. */
const QUIET = ['DISABLE_DECISION_EVENT', 'IGNORE_USER_PROFILE_SERVICE'] as unknown as Options;

type Options = NonNullable<
  Parameters<NonNullable<ReturnType<FlagClient['sdk']['createUserContext']>>['decide']>[1]
>;
type Attributes = Readonly<Record<string, string | number | boolean>>;

interface User {
  readonly userId: string;
  readonly attributes: Attributes;
}

/** What of a parsed datafile is looked at here. */
interface Sampled {
  readonly featureFlags?: readonly { readonly key: string }[];
  readonly audiences?: readonly { readonly conditions?: unknown }[];
  readonly typedAudiences?: readonly { readonly conditions?: unknown }[];
}

/**
 * Tries each flag, of more than CANARY_DECISIONS_MAX as many as that: which ones follows from `seq`, so that all agents
 * try the same of one version, and the versions after it try the others.
 * @param datafile as the SDK has parsed it and built `client` of it
 * @throws FanoutError DATAFILE_UNDECIDABLE naming the flag
 */
export function tryDecisions(client: FlagClient, datafile: unknown, sdkKey: SdkKey, seq: Seq): void {
  const sampled = datafile as Sampled;
  const flagKeys = (sampled.featureFlags ?? []).map(({ key }) => key);
  const users = sampleUsers(sampled);
  for (const [flag, who] of sample(flagKeys.length, users.length, seq)) {
    const flagKey = flagKeys[flag] as string;
    try {
      decide(client, flagKey, users[who] as User);
    } catch (cause) {
      throw undecidable(sdkKey, flagKey, cause);
    }
  }
}

/** Pairs of a flag and a user, each flag once before any comes twice. Exported for its test. */
export function sample(flags: number, users: number, seq: number): [flag: number, user: number][] {
  const pairs = flags * users;
  const count = Math.min(CANARY_DECISIONS_MAX, pairs);
  const start = pairs === 0 ? 0 : (seq * CANARY_DECISIONS_MAX) % pairs;
  return Array.from({ length: count }, (_, i) => {
    const at = (start + i) % pairs;
    const flag = at % flags;
    return [flag, (flag + Math.floor(at / flags)) % users];
  });
}

/** As a request would be decided: by the decider, and by the SDK, which confirms it. */
function decide({ decider, sdk }: FlagClient, flagKey: string, { userId, attributes }: User): void {
  const user = plainUser(userId, attributes);
  if (user !== null) decider?.flag(flagKey)?.decide(user);
  sdk.createUserContext(userId, attributes)?.decide(flagKey, QUIET);
}

/** Somebody of whom nothing is known, and somebody who has what the audiences ask for. */
function sampleUsers({ audiences = [], typedAudiences = [] }: Sampled): readonly User[] {
  const attributes: Record<string, string | number | boolean> = Object.create(null);
  let left = CONDITIONS_READ_MAX;
  const read = (condition: unknown, depth: number): void => {
    if (left-- <= 0 || depth > NESTING_MAX) return;
    if (Array.isArray(condition)) for (const inner of condition) read(inner, depth + 1);
    else if (typeof condition === 'object' && condition !== null) {
      const { name, value } = condition as { name?: unknown; value?: unknown };
      if (typeof name === 'string' && isAttributeValue(value)) attributes[name] = value;
    }
  };
  for (const { conditions } of [...typedAudiences, ...audiences]) read(conditions, 0);
  return [
    { userId: 'canary-1', attributes: {} },
    { userId: 'canary-2', attributes: { ...attributes } },
  ];
}

const isAttributeValue = (value: unknown): value is string | number | boolean =>
  typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);

const undecidable = (sdkKey: SdkKey, flagKey: string, cause: unknown) =>
  new FanoutError({
    code: 'DATAFILE_UNDECIDABLE',
    message: `A datafile of ${sdkKey} loads, but a decision on its flag "${flagKey}" throws (${messageOf(cause)})`,
    remedy: `The last good datafile stays in use; look at the rules of "${flagKey}" in app.optimizely.com and publish again.`,
    retryable: false,
    fields: { sdkKey, flagKey },
    cause,
  });
