import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decodeHead, encodeEnvelope } from '../../../core/bus/envelope.ts';
import { parseDatafile } from '../../../core/datafile/datafile.ts';
import type { ChangeId, Lineage, Seq, Sha256 } from '../../../core/ids.ts';
import { newLineage } from '../../../core/record/lineage.ts';
import { advance, createManifest, type Manifest, pin, resign } from '../../../core/record/manifest.ts';
import { decodeManifest, encodeManifest } from '../../../core/record/manifest-codec.ts';
import { KeyRing, keyIdOf } from '../../../core/record/signature.ts';
import { parsePublicKey, parseSigningKey, splitKeys } from '../../../core/record/signing-keys.ts';
import { isLaterLineage } from '../../../core/version.ts';
import { datafileOf, KEY } from '../../support/datafiles.ts';
import { newKeys } from '../../support/functions/signing.ts';

const keys = newKeys();
const others = newKeys();
const ring = new KeyRing([keys.key.publicKey]);
const both = new KeyRing([others.key.publicKey, keys.key.publicKey]);
const arrival = {
  ...({ cause: 'webhook', changeId: 'c1' as ChangeId } as const),
  ...{ receivedAtMs: 1, publishedAtMs: 2, cdn: { etag: '"e"', lastModifiedMs: 1 } },
};
const datafile = (revision: number) => parseDatafile(datafileOf(revision), { sdkKey: KEY });
const lineage = newLineage(1_700_000_000_000, 'some id');
const manifest = createManifest(datafile(7), arrival, lineage);
const sealed = keys.seal(manifest);
const signature = sealed.signature as string;

const ALTERED: [string, Partial<Manifest>][] = [
  ['seq', { seq: 2 as Seq }],
  ['revision', { revision: 8 }],
  ['hash', { sha256: 'f'.repeat(64) as Sha256 }],
  ['SDK key', { sdkKey: 'OtherKey' as typeof KEY }],
  ['lineage', { lineage: newLineage(1_700_000_000_001, 'some id') }],
];

describe('the signature of a version', () => {
  it('the signature of a version is good with the key that made it, also among others, and with no other', () => {
    expect(ring.signed(sealed, signature)).toBe(true);
    expect(both.signed(sealed, signature)).toBe(true);
    expect(new KeyRing([others.key.publicKey]).signed(sealed, signature)).toBe(false);
    expect(new KeyRing([]).signed(sealed, signature)).toBe(false);
  });

  it.each(ALTERED)('the signature of a version is not good for another %s', (_, altered) => {
    expect(ring.signed({ ...sealed, ...altered }, signature)).toBe(false);
  });

  it('the signature of a version is not good under another key’s name, nor when it is anything else', () => {
    const [, bytes] = signature.split('.');
    for (const wrong of ['', 'x', `${others.key.keyId}.${bytes}`, `${signature}A`, signature.slice(0, -2)])
      expect(both.signed(sealed, wrong)).toBe(false);
    expect(ring.signed(sealed, sealed.seal as string)).toBe(false);
  });

  it('names its key, and travels in manifest and message as it is', () => {
    expect(keyIdOf(signature)).toBe(keys.key.keyId);
    expect(keyIdOf('nonsense')).toBeNull();
    const stored = decodeManifest(encodeManifest(sealed), KEY);
    expect(stored).toEqual(sealed);
    const { headers } = encodeEnvelope(stored, new Uint8Array(1), 1024 * 1024);
    expect(decodeHead((name) => headers[name] ?? '').signature).toBe(signature);
  });

  it('the signature is absent where the publisher does not sign', () => {
    const { headers } = encodeEnvelope(manifest, new Uint8Array(1), 1024 * 1024);
    expect(Object.keys(headers)).not.toContain('Df-Signature');
    expect('signature' in decodeHead((name) => headers[name] ?? '')).toBe(false);
    expect(decodeManifest(encodeManifest(manifest), KEY)).toEqual(manifest);
  });

  it('the signature of a version is refused as a header or field that is no short text', () => {
    const { headers } = encodeEnvelope({ ...sealed, signature: 'x'.repeat(257) }, new Uint8Array(1), 1e6);
    expect(() => decodeHead((name) => headers[name] ?? '')).toThrow('Df-Signature');
    const wrong = { ...sealed, signature: 7 } as unknown as Manifest;
    expect(() => decodeManifest(encodeManifest(wrong), KEY)).toThrow('wrong "signature"');
  });
});

describe('the seal of a manifest', () => {
  it('covers every field, also those that no agent looks at', () => {
    expect(ring.sealed(decodeManifest(encodeManifest(sealed), KEY))).toBe(true);
    const pinned = pin(sealed, 'freeze', 1);
    expect(ring.sealed(pinned)).toBe(false);
    expect(ring.sealed({ ...sealed, cdn: { etag: '"newer"', lastModifiedMs: 1 } })).toBe(false);
    expect(ring.sealed({ ...sealed, history: [] })).toBe(false);
    expect(ring.sealed({ ...sealed, more: 1 } as Manifest)).toBe(false);
    for (const [, altered] of ALTERED) expect(ring.sealed({ ...sealed, ...altered })).toBe(false);
    expect(ring.sealed(keys.seal(pinned))).toBe(true);
  });

  it('needs both signatures, of trusted keys', () => {
    const { seal: _, ...unsealed } = sealed;
    const { signature: __, ...unsigned } = sealed;
    for (const wrong of [manifest, unsealed, unsigned, others.seal(manifest)])
      expect(ring.sealed(wrong)).toBe(false);
  });

  it('the seal of a manifest is made anew for each move', () => {
    const move = advance(sealed, datafile(8), arrival);
    const next = 'manifest' in move ? move.manifest : null;
    expect(next?.seal ?? next?.signature).toBeUndefined();
  });

  it('the seal of a manifest of another key takes a new seq for the same body, and keeps pin and history', () => {
    const again = resign(pin(sealed, 'freeze', 1), { ...arrival, cause: 'restore' });
    expect(again).toMatchObject({
      seq: 2,
      sha256: sealed.sha256,
      cause: 'resign',
      pin: { reason: 'freeze' },
    });
    expect(again.history).toHaveLength(2);
  });
});

describe('keys', () => {
  const pair = generateKeyPairSync('ed25519');
  const pem = pair.publicKey.export({ format: 'pem', type: 'spki' }).toString();
  const spki = pair.publicKey.export({ format: 'der', type: 'spki' }).toString('base64');

  it('keys are read as PEM, raw and SPKI, and are the same', () => {
    const { text, keyId } = parsePublicKey(pem);
    expect(Buffer.from(text, 'base64')).toHaveLength(32);
    for (const form of [pem, pem.replaceAll('\n', '\\n'), spki, text])
      expect(parsePublicKey(form)).toMatchObject({ text, keyId });
    expect(createPublicKey(pem).equals(parsePublicKey(text).key)).toBe(true);
  });

  it('stand several in one setting', () => {
    const raw = parsePublicKey(pem).text;
    const texts = splitKeys(`${pem}\n${raw}, ${spki}\n${pem}`);
    expect(texts.map((text) => parsePublicKey(text).text)).toEqual([raw, raw, raw, raw]);
    expect(splitKeys(' ,\n')).toEqual([]);
  });

  it('keys that are none are refused without being repeated', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const wrong = [
      'secret-text',
      keys.pem,
      rsa.publicKey.export({ format: 'pem', type: 'spki' }).toString(),
      Buffer.alloc(31).toString('base64'),
    ];
    for (const text of wrong)
      expect(() => parsePublicKey(text)).toThrow(/^A signing key that should be public/);
    const rsaPem = rsa.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    for (const text of ['secret-text', pem, rsaPem])
      expect(() => parseSigningKey(text)).toThrow(/^The signing key is not an Ed25519 private key in PEM/);
  });
});

describe('lineages', () => {
  it('lineages are in the order of their births', () => {
    const first = newLineage(1_000, 'a');
    const second = newLineage(1_001, 'b');
    expect(first).toMatch(/^00000000-03e8-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(isLaterLineage(second, first)).toBe(true);
    expect(isLaterLineage(first, second)).toBe(false);
    expect(isLaterLineage(first, first)).toBe(false);
  });

  it('lineages are later than what they take the place of, although the clock is behind', () => {
    const held = newLineage(9_000, 'a');
    expect(isLaterLineage(newLineage(1_000, 'b', held), held)).toBe(true);
  });

  it('lineages of one moment have one order, and differ', () => {
    const [a, b] = [newLineage(5, 'a'), newLineage(5, 'b')];
    expect(a).not.toBe(b);
    expect(isLaterLineage(a, b)).toBe(!isLaterLineage(b, a));
  });

  it('without a time are older than those with one, and never later', () => {
    const old = 'f0000000-0000-4000-8000-000000000000' as Lineage;
    expect(isLaterLineage(newLineage(0, 'a'), old)).toBe(true);
    expect(isLaterLineage(old, newLineage(0, 'a'))).toBe(false);
    expect(isLaterLineage(old, 'a' as Lineage)).toBe(false);
  });
});
