// The private key with which the functions sign. Every problem is noted, none with the text of a key.

import { messageOf } from '../../core/errors.ts';
import { parseSigningKey, type SigningKey } from '../../core/record/signing-keys.ts';
import { PUBLIC_KEYS_VARIABLE } from '../../core/settings/public-keys.ts';
import type { Read } from './list.ts';

/**
 * The key where it is given in the environment; null where it is read at run time, or nothing is signed.
 * @param writes whether this function writes the record, which it may not do unsigned where signatures are asked for
 */
export function signingKeyIn(read: Read, writes: boolean, hasSecret: boolean): SigningKey | null {
  const key = read('FANOUT_SIGNING_KEY');
  const publicKeys = read(PUBLIC_KEYS_VARIABLE);
  const pem = key.text();
  if (pem !== null && hasSecret)
    key.problem('is set, and so is FANOUT_SIGNING_SECRET: only one of them may be');
  if (pem === null && !hasSecret && writes && publicKeys.isSet)
    publicKeys.problem(
      'is set without FANOUT_SIGNING_SECRET or FANOUT_SIGNING_KEY: what is written would not be signed, and never be trusted',
    );
  if (pem === null) return null;
  try {
    return parseSigningKey(pem);
  } catch (error) {
    key.problem(`: ${messageOf(error)}`);
    return null;
  }
}
