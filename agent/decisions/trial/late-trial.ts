// Flags that the engine leaves to the SDK, tried on it after the datafile has begun to serve: a flag whose decision throws is set
// aside, as by the canary. In small steps, while the agent has nothing else to do. What the engine finds odd was tried before.

import type { LeftOut } from '../../../core/datafile/left-out.ts';
import type { Refusal } from '../../../core/engine/refusal.ts';
import type { FlagClient } from '../flag-client.ts';
import { sampleUsers, setAsidePart, thrownBy } from './canary.ts';

/** Flags that are looked at in one step: about a tenth of a millisecond each where they are compiled for it. */
const FLAGS_PER_STEP = 8;

export interface LateTrialOptions {
  readonly onSetAside: (part: LeftOut) => void;
  readonly onFailed: (error: unknown) => void;
}

/** Predictions are known to the SDK: it is not built for them alone. */
const isUntried = (refusal: Refusal | null): boolean => refusal !== null && refusal.kind !== 'prediction';

/** @param datafile the object that the engine decides by */
export function* tryLater(
  client: FlagClient,
  datafile: unknown,
  { onSetAside, onFailed }: LateTrialOptions,
): Generator<undefined> {
  const refused: string[] = [];
  const { flagKeys, engine } = client;
  for (let i = 0; i < flagKeys.length; i += FLAGS_PER_STEP) {
    if (client.isRetired) return;
    for (const flagKey of flagKeys.slice(i, i + FLAGS_PER_STEP))
      if (isUntried(engine.refusal(flagKey))) refused.push(flagKey);
    yield;
  }
  const users = sampleUsers(datafile);
  for (const flagKey of refused) {
    if (client.isRetired) return;
    try {
      const error = thrownBy(client, flagKey, users);
      if (error !== null) {
        client.setAside(flagKey);
        onSetAside(setAsidePart(flagKey, error));
      }
    } catch (error) {
      // Without the SDK none of them can be decided.
      for (const one of refused) client.setAside(one);
      onFailed(error);
      return;
    }
    yield;
  }
}
