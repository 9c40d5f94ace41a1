// Signatures of the record: one over a version (SDK key, lineage, seq, revision, hash), which travels with it everywhere
// and which agents check; one over the whole manifest, for publishers that build upon it. Knows no source and no store.

import { verify } from 'node:crypto';
import type { Lineage, SdkKey, Seq, Sha256 } from '../ids.ts';
import type { Manifest, Signature } from './manifest.ts';
import type { KeyId, PublicKey, SigningKey } from './signing-keys.ts';

/** The claim about a body that is signed. Another lineage, seq or key would be another claim. */
export interface Statement {
  readonly sdkKey: SdkKey;
  readonly lineage: Lineage;
  readonly seq: Seq;
  readonly revision: number;
  readonly sha256: Sha256;
}

/** Longer is no signature of ours: 16 + 1 + 86 characters. */
export const SIGNATURE_CHARACTERS_MAX = 256;
/** The kind of claim is a part of the signed text, so that no signature can be used for another kind. */
const VERSION_DOMAIN = 'datafile-fanout version v1';
const MANIFEST_DOMAIN = 'datafile-fanout manifest v1';
const SIGNATURE_PATTERN = /^([0-9a-f]{16})\.([A-Za-z0-9_-]{86})$/;

/** The public keys whose signatures count. */
export class KeyRing {
  readonly #keys: ReadonlyMap<KeyId, PublicKey>;

  constructor(keys: readonly PublicKey[]) {
    this.#keys = new Map(keys.map((key) => [key.keyId, key]));
  }

  get keyIds(): readonly KeyId[] {
    return [...this.#keys.keys()];
  }

  /** Whether one of the keys signed exactly this version. */
  signed(statement: Statement, signature: Signature): boolean {
    return this.#verifies(versionText(statement), signature);
  }

  /** Whether one of the keys signed exactly this manifest, and the version in it. */
  sealed(manifest: Manifest): boolean {
    const { seal, signature } = manifest;
    if (seal === undefined || signature === undefined) return false;
    return this.#verifies(manifestText(manifest), seal) && this.signed(manifest, signature);
  }

  #verifies(text: string, signature: Signature): boolean {
    const [, keyId = '', bytes = ''] = SIGNATURE_PATTERN.exec(signature) ?? [];
    const known = this.#keys.get(keyId);
    return known !== undefined && verify(null, Buffer.from(text), known.key, Buffer.from(bytes, 'base64url'));
  }
}

/** The manifest with both signatures; those that it had are replaced. */
export function sealManifest(manifest: Manifest, key: SigningKey): Manifest {
  const signature = `${key.keyId}.${key.sign(versionText(manifest))}`;
  const signed = { ...manifest, signature };
  return { ...signed, seal: `${key.keyId}.${key.sign(manifestText(signed))}` };
}

/** Whose signature it claims to be; null when it has no such shape. */
export const keyIdOf = (signature: Signature | undefined): KeyId | null =>
  SIGNATURE_PATTERN.exec(signature ?? '')?.[1] ?? null;

/** None of the fields can hold a line break, so no two versions have the same text. */
const versionText = ({ sdkKey, lineage, seq, revision, sha256 }: Statement): string =>
  [VERSION_DOMAIN, sdkKey, lineage, seq, revision, sha256].join('\n');

/** As it is stored: JSON that was written by JSON.stringify and read again comes out the same. */
function manifestText({ seal: _seal, ...manifest }: Manifest): string {
  return `${MANIFEST_DOMAIN}\n${JSON.stringify(manifest)}`;
}
