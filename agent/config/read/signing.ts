// Reads the public keys of the publishers that the agent trusts.

import type { Cursor } from '../../../core/settings/cursor.ts';
import { PUBLIC_KEYS_VARIABLE, publicKeysIn } from '../../../core/settings/public-keys.ts';
import type { SigningSettings } from '../types.ts';

/** @param hasRecord whether there is a bucket, without which no signed datafile ever comes */
export function readSigning(fanout: Cursor, hasRecord: boolean): SigningSettings {
  const signingKeys = fanout.at('signingPublicKeys');
  const keys = publicKeysIn(signingKeys).map(({ text }) => text);
  const signatures = fanout.at('signatures');
  if (!signatures.isSet && !signingKeys.isSet) return { mode: 'off', keys };
  const mode = signatures.isSet ? signatures.choice(['off', 'checked', 'required']) : 'required';
  if (mode !== 'off' && !signingKeys.isSet)
    signatures.problem(`is ${mode} but ${PUBLIC_KEYS_VARIABLE} is missing: nothing could be checked`);
  if (mode === 'required' && !hasRecord)
    signingKeys.problem('asks for signatures but FANOUT_BUCKET is missing: what the CDN serves carries none');
  return { mode, keys };
}
