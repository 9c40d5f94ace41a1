// Decisions tried on a new client before it serves: a datafile can load and still make decisions throw. A flag whose decision
// throws is set aside, and answers like one that is off; where that is more than half of the project, the last good datafile
// must stay. Sends no event, tells no listener, touches no profile. Knows neither the SDK's package nor sources.

import { flagsNamed, LEFT_OUT_MAX, type LeftOut, partName } from '../../core/datafile/left-out.ts';
import { FanoutError, messageOf } from '../../core/errors.ts';
import type { SdkKey, Seq } from '../../core/ids.ts';
import { plainUser } from './decider/decider.ts';
import type { FlagClient } from './flag-client.ts';
import type { SdkDecideOptions } from './sdk-types.ts';

/** Decisions per datafile: about 0.6 ms of a swap of 250 KB, which takes eight times as long. */
export const CANARY_DECISIONS_MAX = 64;
/** Conditions that are read for what users may look like; beyond them audiences repeat themselves. */
const CONDITIONS_READ_MAX = 500;
const NESTING_MAX = 64;
/** Of all flags; where more of them throw, hardly anything of what was published would serve. */
const SHARE_SET_ASIDE_MAX = 0.5;
/** In the words of the SDK's options: what a decision leaves behind is left out, what it computes is not. */
const QUIET = ['DISABLE_DECISION_EVENT', 'IGNORE_USER_PROFILE_SERVICE'] as unknown as SdkDecideOptions;

type Attributes = Readonly<Record<string, string | number | boolean>>;

interface User {
  readonly userId: string;
  readonly attributes: Attributes;
}

/** As the SDK has it, which looks at a flag's rules when it decides. */
interface Flag {
  readonly key: string;
  experimentIds?: readonly string[];
  rolloutId?: string;
}

/** What of a parsed datafile is looked at here. */
interface Sampled {
  readonly featureFlags?: readonly Flag[];
  readonly audiences?: readonly { readonly conditions?: unknown }[];
  readonly typedAudiences?: readonly { readonly conditions?: unknown }[];
}

export interface Trial {
  readonly seq: Seq;
  /** False where there would be nothing else to serve: then every flag that throws is set aside. */
  readonly mayRefuse: boolean;
}

/**
 * Tries each flag, of more than CANARY_DECISIONS_MAX as many as that: which ones follows from `seq`, so that all agents
 * try the same of one version, and the versions after it try the others. As soon as one throws, all of them are tried.
 * @param datafile as the SDK has parsed it and built `client` of it; a flag that is set aside loses its rules in it
 * @returns the flags that were set aside
 * @throws FanoutError DATAFILE_UNDECIDABLE naming the first flag, where too many throw
 */
export function tryDecisions(
  client: FlagClient,
  datafile: unknown,
  sdkKey: SdkKey,
  { seq, mayRefuse }: Trial,
): readonly LeftOut[] {
  const sampled = datafile as Sampled;
  const flags = sampled.featureFlags ?? [];
  const users = sampleUsers(sampled);
  const isSound = sample(flags.length, users.length, seq).every(
    ([flag, who]) => thrownBy(client, flags[flag] as Flag, users[who] as User) === null,
  );
  if (isSound) return [];
  const thrown = new Map<Flag, unknown>();
  for (const flag of flags)
    for (const user of users) {
      const error = thrownBy(client, flag, user);
      if (error !== null && !thrown.has(flag)) thrown.set(flag, error);
    }
  for (const flag of thrown.keys()) setAside(client, flag);
  const isHopeless = [...thrown.keys()].some((flag) =>
    users.some((user) => thrownBy(client, flag, user) !== null),
  );
  if (mayRefuse && (isHopeless || thrown.size > flags.length * SHARE_SET_ASIDE_MAX)) {
    const [flag, cause] = [...thrown][0] as [Flag, unknown];
    throw undecidable(sdkKey, flag.key, thrown.size, flags.length, cause);
  }
  return [...thrown].slice(0, LEFT_OUT_MAX).map(([{ key }, error]) => ({
    flagKeys: flagsNamed([key]),
    what: partName('flag', key),
    why: `is off: its decision throws (${messageOf(error)})`,
  }));
}

/** Without rules a flag is off for every user, with its variables' defaults; both the SDK and the decider read the same object. */
function setAside({ decider }: FlagClient, flag: Flag): void {
  flag.experimentIds = [];
  flag.rolloutId = '';
  decider?.distrust(flag.key);
}

/** What a decision throws; null where it does not. */
function thrownBy(client: FlagClient, { key }: Flag, user: User): unknown {
  try {
    decide(client, key, user);
    return null;
  } catch (error) {
    return error ?? new Error('nothing');
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

/** A user of whom nothing is known, and one who has what the audiences ask for. */
function sampleUsers({ audiences = [], typedAudiences = [] }: Sampled): readonly User[] {
  const attributes: Record<string, string | number | boolean> = Object.create(null);
  let left = CONDITIONS_READ_MAX;
  const read = (condition: unknown, depth: number): void => {
    if (left-- <= 0 || depth > NESTING_MAX) return;
    if (Array.isArray(condition)) for (const inner of condition) read(inner, depth + 1);
    else if (typeof condition === 'object' && condition !== null) {
      const { name, value } = condition as { name?: unknown; value?: unknown };
      // The API refuses these names, and a user who has them would make the SDK throw whatever the datafile is.
      if (typeof name === 'string' && !(name in Object.prototype) && isAttributeValue(value))
        attributes[name] = value;
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

const undecidable = (sdkKey: SdkKey, flagKey: string, throwing: number, flags: number, cause: unknown) =>
  new FanoutError({
    code: 'DATAFILE_UNDECIDABLE',
    message: `A datafile of ${sdkKey} loads, but decisions on ${throwing} of its ${flags} flags throw, first on "${flagKey}" (${messageOf(cause)})`,
    remedy: `The last good datafile stays in use; look at the rules of "${flagKey}" in app.optimizely.com and publish again.`,
    retryable: false,
    fields: { sdkKey, flagKey, throwing, flags },
    cause,
  });
