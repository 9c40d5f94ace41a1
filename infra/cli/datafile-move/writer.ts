// The parts that move a manifest on purpose: those of the functions, set as the functions are, but for their log, which would
// mix with what the command says. Opened for one command, closed after it.

import { type SdkKey, toSdkKey } from '../../../core/ids.ts';
import type { Log } from '../../../core/log.ts';
import type { Deps, StoredManifest } from '../../../functions/ports.ts';
import { notFound } from '../command.ts';
import type { Shell } from '../shell.ts';

export interface Writer {
  readonly sdkKey: SdkKey;
  readonly deps: Deps;
  readonly stored: StoredManifest;
  /** What failed on the way to `bus` and `topic`, in words. */
  readonly troubles: ReadonlyMap<string, string>;
  /** Whether there is a way to bridges in other places. */
  readonly hasTopic: boolean;
  close(): void;
}

/** Takes the place of a topic where none is set; nothing is sent to it. */
const NO_TOPIC = 'none';

/** @throws FanoutError CONFIG_INVALID, SECRET_UNAVAILABLE, RECORD_UNAVAILABLE, SDK_KEY_INVALID, NOTHING_FOUND */
export async function openWriter({ env, clock, random, newId }: Shell, key: string): Promise<Writer> {
  const sdkKey = toSdkKey(key);
  const hasTopic = Boolean(env.FANOUT_TOPIC_ARN?.trim());
  // Loaded when needed: the clients cost more than everything else of this command.
  const { wireWriter } = await import('../../../functions/wire.ts');
  const troubles = new Map<string, string>();
  const globals = {
    env: hasTopic ? env : { ...env, FANOUT_TOPIC_ARN: NO_TOPIC },
    nowMs: () => clock.nowMs(),
    random,
    newId,
  };
  const telemetry = {
    log: keepingTroubles(troubles),
    metrics: { count: () => {}, timeMs: () => {} },
    flush: () => {},
  };
  const { deps } = wireWriter(telemetry, globals);
  const stored = await deps.record.readManifest(sdkKey);
  if (stored === null)
    throw notFound(
      `The record has no datafile of ${sdkKey} that could be moved`,
      'Compare the key and the bucket; where the record is signed, FANOUT_SIGNING_SECRET must be as the functions have it.',
    );
  return { sdkKey, deps, stored, troubles, hasTopic, close: () => deps.bus.reset() };
}

/** Its lines would mix with the command's output; the operator has to know only which path failed, and why. */
function keepingTroubles(troubles: Map<string, string>): Log {
  const keep = (_: string, fields: object = {}) => {
    const { path, error, cause } = fields as Readonly<Record<string, unknown>>;
    if (typeof path === 'string') troubles.set(path, [error, cause].filter(Boolean).join(': '));
  };
  return { info: () => {}, warn: keep, error: keep };
}
