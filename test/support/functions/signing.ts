// Key pairs for tests, and manifests that they have sealed.

import { generateKeyPairSync } from 'node:crypto';
import type { Manifest } from '../../../core/record/manifest.ts';
import { sealManifest } from '../../../core/record/signature.ts';
import { parseSigningKey, type SigningKey } from '../../../core/record/signing-keys.ts';

export interface TestKeys {
  readonly pem: string;
  readonly key: SigningKey;
  /** As operators write it. */
  readonly publicText: string;
  readonly seal: (manifest: Manifest) => Manifest;
}

export function newKeys(): TestKeys {
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  const key = parseSigningKey(pem);
  return { pem, key, publicText: key.publicKey.text, seal: (manifest) => sealManifest(manifest, key) };
}
