// Ed25519 keys as operators write them, and their ids. A private key never appears in a message, nor does text that was
// meant to be one.

import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { FanoutError } from '../errors.ts';

/** First half of the SHA-256 of the raw public key, in hex. */
export type KeyId = string;

export interface PublicKey {
  readonly keyId: KeyId;
  /** The 32 bytes in base64, as keygen prints them. */
  readonly text: string;
  readonly key: KeyObject;
}

export interface SigningKey {
  readonly keyId: KeyId;
  readonly publicKey: PublicKey;
  /** Signature of a text's UTF-8, in base64url. */
  sign(text: string): string;
}

const KEY_BYTES = 32;
const KEY_ID_CHARACTERS = 16;
const PEM_PATTERN = /-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----/g;

/** Splits a setting into its keys: PEM blocks, and base64 with commas or white space between. */
export function splitKeys(text: string): string[] {
  const plain = unescaped(text);
  const blocks = plain.match(PEM_PATTERN) ?? [];
  const rest = plain.replaceAll(PEM_PATTERN, ' ').split(/[\s,]+/);
  return [...blocks, ...rest.filter((part) => part !== '')];
}

/**
 * Reads a public key: PEM, or the raw 32 bytes or their SPKI form in base64.
 * @throws FanoutError CONFIG_INVALID
 */
export function parsePublicKey(text: string): PublicKey {
  try {
    // A private key would do for Node, which derives the public one: it has no business here.
    if (text.includes('PRIVATE')) throw new Error('a private key');
    const bytes = Buffer.from(text, 'base64');
    return publicKeyOf(
      text.includes('-----')
        ? createPublicKey(unescaped(text))
        : bytes.byteLength === KEY_BYTES
          ? createPublicKey({ key: jwkOf(bytes), format: 'jwk' })
          : createPublicKey({ key: bytes, format: 'der', type: 'spki' }),
    );
  } catch {
    // Node's error could quote its input.
    throw invalid('A signing key that should be public is not an Ed25519 public key');
  }
}

/** Reads a private key in PEM (PKCS #8). @throws FanoutError CONFIG_INVALID */
export function parseSigningKey(pem: string): SigningKey {
  try {
    const key = createPrivateKey(unescaped(pem));
    const publicKey = publicKeyOf(createPublicKey(key));
    return {
      keyId: publicKey.keyId,
      publicKey,
      sign: (text) => sign(null, Buffer.from(text), key).toString('base64url'),
    };
  } catch {
    // As above, and this input is a secret.
    throw invalid('The signing key is not an Ed25519 private key in PEM (PKCS #8)');
  }
}

function publicKeyOf(key: KeyObject): PublicKey {
  if (key.asymmetricKeyType !== 'ed25519') throw new Error(`is ${key.asymmetricKeyType}`);
  const raw = Buffer.from(key.export({ format: 'jwk' }).x as string, 'base64url');
  const keyId = createHash('sha256').update(raw).digest('hex').slice(0, KEY_ID_CHARACTERS);
  return { keyId, text: raw.toString('base64'), key };
}

const jwkOf = (raw: Buffer) => ({ kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') });

/** Where a variable cannot hold a line break, people write \n. */
const unescaped = (text: string): string => text.replaceAll('\\n', '\n').trim();

const invalid = (message: string) =>
  new FanoutError({
    code: 'CONFIG_INVALID',
    message,
    remedy: '`fanout signing keygen` makes a pair, and says where each half belongs.',
    retryable: false,
  });
