// The receiver's settings: those of the functions, and a few of its own, with every problem reported at once. Reads the
// environment that it is handed; values of secrets never appear in a message.

import { parseDurationMs } from '../../core/duration.ts';
import { FanoutError, messageOf } from '../../core/errors.ts';
import { linkedService, withoutLinks } from '../../core/http/service-link.ts';
import {
  type Environment,
  readSecretNames,
  readWriterSettings,
  type SecretNames,
  type WriterSettings,
} from '../settings/settings.ts';

export interface ReceiverSettings {
  readonly functions: WriterSettings;
  readonly secrets: SecretNames;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly reconcileIntervalMs: number;
}

export interface CheckedSettings {
  /** Null when anything is wrong. */
  readonly settings: ReceiverSettings | null;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** Only the container itself reaches its loopback, which is why the image says 0.0.0.0. */
const HOST_DEFAULT = '127.0.0.1';
const PORT_DEFAULT = '8090';
const PORT_MAX = 65_535;
const RECONCILE_INTERVAL_DEFAULT = '1m';
const RECONCILE_INTERVAL_MIN_MS = 1_000;
/** A run sends the heartbeat, and an agent that misses three minutes of it no longer trusts its bus. */
const RECONCILE_INTERVAL_MAX_MS = 60_000;
/** There is no topic here: what it does on Lambda happens in this process. */
const NO_TOPIC = 'none';

/** The environment as the functions' own wiring wants it. */
export const functionsEnv = (env: Environment): Environment => ({ ...env, FANOUT_TOPIC_ARN: NO_TOPIC });

export function checkReceiverSettings(env: Environment): CheckedSettings {
  const problems: string[] = [];
  const own = {
    host: env.FANOUT_HOST?.trim() || HOST_DEFAULT,
    port: portOf(env, problems),
    reconcileIntervalMs: intervalOf(env, problems),
  };
  const warnings =
    env.FANOUT_TOPIC_ARN?.trim() || env.FANOUT_SNS_ENDPOINT?.trim()
      ? ['FANOUT_TOPIC_ARN and FANOUT_SNS_ENDPOINT have no effect here: the receiver sends no SNS notices']
      : [];
  try {
    const secrets = readSecretNames(env);
    const functions = readWriterSettings(functionsEnv(env), secrets);
    if (problems.length === 0) return { settings: { functions, secrets, ...own }, problems, warnings };
  } catch (error) {
    problems.unshift(
      ...messageOf(error)
        .replace(/^The settings are wrong: /, '')
        .split('; '),
    );
  }
  return { settings: null, problems, warnings };
}

/** @throws FanoutError CONFIG_INVALID, with every problem in its message */
export function readReceiverSettings(env: Environment): ReceiverSettings {
  const { settings, problems } = checkReceiverSettings(env);
  if (settings !== null) return settings;
  throw new FanoutError({
    code: 'CONFIG_INVALID',
    message: `The settings are wrong: ${problems.join('; ')}`,
    remedy: 'Set the environment variables; --help lists them and --check-config checks them.',
    retryable: false,
  });
}

function portOf(env: Environment, problems: string[]): number {
  const text = env.FANOUT_PORT?.trim() || PORT_DEFAULT;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= PORT_MAX) return port;
  const service = linkedService('FANOUT_PORT', text);
  const why = service === null ? '' : ` and is "${text}": ${withoutLinks(service)}`;
  problems.push(`FANOUT_PORT must be a port from 0 to ${PORT_MAX}${why}`);
  return 0;
}

function intervalOf(env: Environment, problems: string[]): number {
  const ms = parseDurationMs(env.FANOUT_RECONCILE_INTERVAL?.trim() || RECONCILE_INTERVAL_DEFAULT);
  if (ms !== null && ms >= RECONCILE_INTERVAL_MIN_MS && ms <= RECONCILE_INTERVAL_MAX_MS) return ms;
  problems.push('FANOUT_RECONCILE_INTERVAL must be a duration from 1s to 1m');
  return RECONCILE_INTERVAL_MAX_MS;
}
