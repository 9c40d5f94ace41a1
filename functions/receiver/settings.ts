// The receiver's settings: those of the functions, and a few of its own, with every problem reported at once. Reads the
// environment that it is handed; values of secrets never appear in a message.

import type { Environment } from '../../core/settings/setting.ts';
import { FUNCTION_SETTINGS, type Read } from '../settings/list.ts';
import {
  type Checked,
  check,
  checkFunctionSettings,
  type FunctionSettings,
  findingsOf,
  valid,
} from '../settings/settings.ts';

export interface ReceiverSettings extends FunctionSettings {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly reconcileIntervalMs: number;
}

const PORT_MAX = 65_535;
const RECONCILE_INTERVAL_MIN_MS = 1_000;
/** A run sends the heartbeat, and an agent that misses three minutes of it no longer trusts its bus. */
const RECONCILE_INTERVAL_MAX_MS = 60_000;
/** There is no topic here: its work on Lambda is done within this process. */
const NO_TOPIC = 'none';

/** The environment as the functions' own wiring wants it. */
export const functionsEnv = (env: Environment): Environment => ({ ...env, FANOUT_TOPIC_ARN: NO_TOPIC });

/** Like readReceiverSettings(), with the problems one by one instead of thrown. */
export function checkReceiverSettings(env: Environment): Checked<ReceiverSettings> {
  const functions = checkFunctionSettings(env, { topic: false });
  const own = check(env, ownSettings);
  const noted = { problems: [], warnings: withoutEffect(env) };
  return { ...findingsOf(functions, own, noted), settings: { ...functions.settings, ...own.settings } };
}

/** @throws FanoutError CONFIG_INVALID, with every problem in its message */
export const readReceiverSettings = (env: Environment): ReceiverSettings => valid(checkReceiverSettings(env));

const ownSettings = (read: Read) => ({
  // A container's loopback can be reached from nowhere else, which is why the image says 0.0.0.0.
  host: read('FANOUT_HOST').required(),
  port: read('FANOUT_PORT').integer(0, PORT_MAX),
  reconcileIntervalMs: read('FANOUT_RECONCILE_INTERVAL').duration(
    RECONCILE_INTERVAL_MIN_MS,
    RECONCILE_INTERVAL_MAX_MS,
  ),
});

const withoutEffect = (env: Environment): string[] =>
  FUNCTION_SETTINGS.filter(({ only, variable }) => only === 'functions' && env[variable]?.trim()).map(
    ({ variable }) => `${variable} has no effect here: it is for the functions on AWS`,
  );
