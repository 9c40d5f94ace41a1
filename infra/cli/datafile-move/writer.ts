// The parts that move a manifest on purpose: those of the functions, set as the functions are, but for their log, which would
// mix with what the command says. Opened for one command, closed after it.

import { randomUUID } from 'node:crypto';
import { type SdkKey, toSdkKey } from '../../../core/ids.ts';
import type { Log } from '../../../core/log.ts';
import type { Deps, StoredManifest } from '../../../functions/ports.ts';
import { usageError } from '../command.ts';
import type { Shell } from '../shell.ts';

export interface Writer {
  readonly sdkKey: SdkKey;
  readonly deps: Deps;
  readonly stored: StoredManifest;
  /** Whether there is a way to bridges in other places. */
  readonly hasTopic: boolean;
  close(): void;
}

const QUIET: Log = { info: () => {}, warn: () => {}, error: () => {} };
/** Stands for a topic where none is set; nothing is sent to it. */
const NO_TOPIC = 'none';

/** @throws FanoutError CONFIG_INVALID, SECRET_UNAVAILABLE, RECORD_UNAVAILABLE, SDK_KEY_INVALID, USAGE_INVALID */
export async function openWriter({ env, clock }: Shell, key: string): Promise<Writer> {
  const sdkKey = toSdkKey(key);
  const hasTopic = Boolean(env.FANOUT_TOPIC_ARN?.trim());
  // Loaded when needed: the clients cost more than everything else of this command.
  const { wireWriter } = await import('../../../functions/wire.ts');
  const wired = wireWriter('fanout', {
    env: hasTopic ? env : { ...env, FANOUT_TOPIC_ARN: NO_TOPIC },
    nowMs: () => clock.nowMs(),
    random: Math.random,
    newId: randomUUID,
  });
  const deps = { ...wired.deps, log: QUIET, metrics: { count: () => {}, timeMs: () => {} } };
  const stored = await deps.record.readManifest(sdkKey);
  if (stored === null)
    throw usageError(
      `The record has no datafile of ${sdkKey} that could be moved`,
      'Compare the key and FANOUT_BUCKET; where the record is signed, set FANOUT_SIGNING_SECRET as the functions have it.',
    );
  return { sdkKey, deps, stored, hasTopic, close: () => deps.bus.reset() };
}
