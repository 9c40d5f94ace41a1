// Public keys in a setting, as both sides have them: agents trust the signatures of these alone, publishers those of their own key too.

import { messageOf } from '../errors.ts';
import { type PublicKey, parsePublicKey, splitKeys } from '../record/signing-keys.ts';
import type { Cursor } from './cursor.ts';

/** One name on both sides. */
export const PUBLIC_KEYS_VARIABLE = 'FANOUT_SIGNING_PUBLIC_KEYS';
/** The agent's name for it in earlier releases. */
export const PUBLIC_KEYS_FORMERLY = 'FANOUT_SIGNING_KEYS';

/** Each key that cannot be read is a problem of its own, without the text of the key. */
export function publicKeysIn(setting: Cursor): PublicKey[] {
  return splitKeys(setting.texts().join('\n')).flatMap((text) => {
    try {
      return parsePublicKey(text);
    } catch (error) {
      setting.problem(`: ${messageOf(error)}`);
      return [];
    }
  });
}
