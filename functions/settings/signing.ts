// What the functions are told about signatures: whose are trusted, and with which key they sign themselves. Every problem is
// noted, none with the text of a key.

import { messageOf } from '../../core/errors.ts';
import {
  type PublicKey,
  parsePublicKey,
  parseSigningKey,
  type SigningKey,
  splitKeys,
} from '../../core/record/signing-keys.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const PUBLIC_KEYS = 'FANOUT_SIGNING_PUBLIC_KEYS';
const KEY = 'FANOUT_SIGNING_KEY';
export const SIGNING_SECRET = 'FANOUT_SIGNING_SECRET';

/** Whose signatures are trusted, besides those of one's own key. */
export function publicKeysOf(env: Environment, problems: string[]): PublicKey[] {
  const texts = splitKeys(env[PUBLIC_KEYS] ?? '');
  return texts.flatMap((text) => read(() => parsePublicKey(text), PUBLIC_KEYS, problems) ?? []);
}

/**
 * The key where it is given in the environment; null where it is read at run time, or nobody signs.
 * @param writes whether this function writes the record, which it may not do unsigned where signatures are asked for
 */
export function signingKeyOf(
  env: Environment,
  writes: boolean,
  hasSecret: boolean,
  problems: string[],
): SigningKey | null {
  const pem = env[KEY]?.trim() || undefined;
  if (pem !== undefined && hasSecret) problems.push(`only one of ${KEY} and ${SIGNING_SECRET} may be set`);
  if (pem === undefined && !hasSecret && writes && env[PUBLIC_KEYS]?.trim())
    problems.push(
      `${PUBLIC_KEYS} is set without ${SIGNING_SECRET} or ${KEY}: what is written would not be signed, and never be trusted`,
    );
  return pem === undefined ? null : read(() => parseSigningKey(pem), KEY, problems);
}

function read<T>(parse: () => T, name: string, problems: string[]): T | null {
  try {
    return parse();
  } catch (error) {
    problems.push(`${name}: ${messageOf(error)}`);
    return null;
  }
}
