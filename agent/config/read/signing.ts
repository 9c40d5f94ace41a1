// Reads whose signatures the agent goes by.

import { messageOf } from '../../../core/errors.ts';
import { parsePublicKey, splitKeys } from '../../../core/record/signing-keys.ts';
import type { Cursor } from '../../../core/settings/cursor.ts';
import type { SigningSettings } from '../types.ts';

/** @param hasRecord whether there is a bucket, without which nothing signed ever comes */
export function readSigning(fanout: Cursor, hasRecord: boolean): SigningSettings {
  const signingKeys = fanout.at('signingKeys');
  const keys = splitKeys(signingKeys.texts().join('\n')).flatMap((text) => {
    try {
      return parsePublicKey(text).text;
    } catch (error) {
      signingKeys.problem(`: ${messageOf(error)}`);
      return [];
    }
  });
  const signatures = fanout.at('signatures');
  if (!signatures.isSet && !signingKeys.isSet) return { mode: 'off', keys };
  const mode = signatures.isSet ? signatures.choice(['off', 'checked', 'required']) : 'required';
  if (mode !== 'off' && !signingKeys.isSet)
    signatures.problem(`is ${mode} but FANOUT_SIGNING_KEYS is missing: nothing could be checked`);
  if (mode === 'required' && !hasRecord)
    signingKeys.problem('asks for signatures but FANOUT_BUCKET is missing: what the CDN serves carries none');
  return { mode, keys };
}
