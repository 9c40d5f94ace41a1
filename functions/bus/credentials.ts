// The functions' credentials on the bus: the shape of the secret that holds them. Pure; values never appear in a message.

import { type BusCredentials, credsProblem, normalizeCreds } from '../../core/bus/credentials.ts';
import { parseJsonWithin } from '../../core/datafile/json-depth.ts';
import { FanoutError } from '../../core/errors.ts';

const NAMES = ['user', 'password', 'token', 'creds'] as const;

/** Parses `{"user", "password"}`, `{"token"}` or `{"creds"}`. @throws FanoutError CONFIG_INVALID */
export function parseBusCredentials(json: string): BusCredentials {
  const fields = parseObject(json);
  const entries = NAMES.flatMap((name) => (fields?.[name] === undefined ? [] : [[name, fields[name]]]));
  const isText = entries.every(([, value]) => typeof value === 'string' && value !== '');
  const credentials = Object.fromEntries(entries) as BusCredentials;
  const { user, password, token } = credentials;
  const creds = isText && credentials.creds !== undefined ? normalizeCreds(credentials.creds) : undefined;
  const isWhole =
    (user !== undefined && password !== undefined) || token !== undefined || creds !== undefined;
  if (!isText || !isWhole) throw invalid('holds no credentials that can be used');
  const problem = creds === undefined ? null : credsProblem(creds);
  if (problem !== null) throw invalid(`has creds, which ${problem}`);
  return creds === undefined ? credentials : { ...credentials, creds };
}

const invalid = (what: string) =>
  new FanoutError({
    code: 'CONFIG_INVALID',
    message: `The NATS secret ${what}`,
    remedy: 'It must be JSON: {"user": "…", "password": "…"}, {"token": "…"} or {"creds": "…"}.',
    retryable: false,
  });

function parseObject(json: string): Record<string, unknown> | null {
  try {
    const value: unknown = parseJsonWithin(json);
    return typeof value === 'object' ? (value as Record<string, unknown> | null) : null;
  } catch {
    // The parser's error would quote its input, which is a secret.
    return null;
  }
}
