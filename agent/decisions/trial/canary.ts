// Decisions tried on a new client before it serves: a datafile can load and still make decisions throw. A flag whose decision
// throws is set aside, and answers like one that is off; where that is more than half of the project, the last good datafile
// must stay. Sends no event, tells no listener, touches no profile. Knows neither the SDK's package nor sources.

import { flagsNamed, LEFT_OUT_MAX, type LeftOut, partName } from '../../../core/datafile/left-out.ts';
import type { Engine } from '../../../core/engine/engine.ts';
import { User } from '../../../core/engine/user.ts';
import { FanoutError, messageOf } from '../../../core/errors.ts';
import type { SdkKey, Seq } from '../../../core/ids.ts';
import type { FlagClient } from '../flag-client.ts';
import type { SdkDecideOptions } from '../sdk-types.ts';

/** Decisions per datafile: about 1 ms of a swap of 250 KB, as each flag is compiled for it. */
export const CANARY_DECISIONS_MAX = 64;
/** Conditions that are read for what users may look like; beyond them audiences repeat themselves. */
const CONDITIONS_READ_MAX = 500;
const NESTING_MAX = 64;
/** Of all flags; where more of them throw, hardly anything of what was published would serve. */
const SHARE_SET_ASIDE_MAX = 0.5;
/** In the words of the SDK's options: what a decision leaves behind is left out, what it computes is not. */
const QUIET = ['DISABLE_DECISION_EVENT', 'IGNORE_USER_PROFILE_SERVICE'] as unknown as SdkDecideOptions;

type Attributes = Readonly<Record<string, string | number | boolean>>;

export interface SampleUser {
  readonly userId: string;
  readonly attributes: Attributes;
}

/** What of a parsed datafile is looked at here. */
interface Sampled {
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
 * try the same of one version, and the versions after it try the others. As soon as one is odd, all of them are tried: those that the
 * engine refuses by the SDK, whose client is built for it.
 * @param datafile the object that the engine decides by
 * @returns the flags that were set aside
 * @throws FanoutError DATAFILE_UNDECIDABLE naming the first flag, where too many throw; DATAFILE_UNLOADABLE
 */
export function tryDecisions(
  client: FlagClient,
  datafile: unknown,
  sdkKey: SdkKey,
  { seq, mayRefuse }: Trial,
): readonly LeftOut[] {
  const { flagKeys } = client;
  const users = sampleUsers(datafile);
  const isSound = sample(flagKeys.length, users.length, seq).every(([flag, who]) =>
    isDecided(client.engine, flagKeys[flag] as string, users[who] as SampleUser),
  );
  if (isSound) return [];
  const thrown = new Map<string, unknown>();
  for (const flagKey of flagKeys) {
    const error = thrownBy(client, flagKey, users);
    if (error !== null) thrown.set(flagKey, error);
  }
  for (const flagKey of thrown.keys()) client.setAside(flagKey);
  const isHopeless = [...thrown.keys()].some((flagKey) => thrownBy(client, flagKey, users) !== null);
  if (mayRefuse && (isHopeless || thrown.size > flagKeys.length * SHARE_SET_ASIDE_MAX)) {
    const [flagKey, cause] = [...thrown][0] as [string, unknown];
    throw undecidable(sdkKey, flagKey, thrown.size, flagKeys.length, cause);
  }
  return [...thrown].slice(0, LEFT_OUT_MAX).map(([key, error]) => setAsidePart(key, error));
}

/** What is said of a flag that was set aside. */
export const setAsidePart = (flagKey: string, error: unknown): LeftOut => ({
  flagKeys: flagsNamed([flagKey]),
  what: partName('flag', flagKey),
  why: `is off: its decision throws (${messageOf(error)})`,
});

/** Whether the engine decides a flag, or leaves it to the SDK for a reason over which the SDK does not fail. */
function isDecided(engine: Engine, flagKey: string, { userId, attributes }: SampleUser): boolean {
  try {
    return (
      engine.outcome(flagKey, new User(userId, attributes)) !== null ||
      engine.refusal(flagKey)?.kind !== 'odd'
    );
  } catch {
    return false; // A mistake of the engine's own: it is looked into flag by flag.
  }
}

/**
 * What a decision throws, of the engine or else of the SDK; null where none does.
 * @throws FanoutError DATAFILE_UNLOADABLE
 */
export function thrownBy(client: FlagClient, flagKey: string, users: readonly SampleUser[]): unknown {
  if (
    users.every(({ userId, attributes }) => isEngines(client.engine, flagKey, new User(userId, attributes)))
  )
    return null;
  // What cannot be loaded is no matter of a flag.
  const { sdk } = client;
  for (const { userId, attributes } of users)
    try {
      client.quietly(() => sdk.createUserContext(userId, attributes).decide(flagKey, QUIET));
    } catch (error) {
      return error ?? new Error('nothing');
    }
  return null;
}

function isEngines(engine: Engine, flagKey: string, user: User): boolean {
  try {
    return engine.outcome(flagKey, user) !== null;
  } catch {
    engine.mistrust(flagKey);
    return false;
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

/** A user of whom nothing is known, and one who has what the audiences ask for. */
export function sampleUsers(datafile: unknown): readonly SampleUser[] {
  const { audiences = [], typedAudiences = [] } = datafile as Sampled;
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
