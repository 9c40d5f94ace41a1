import { randomBytes } from 'node:crypto';
import { brotliCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compressBody,
  decodeBody,
  decodeHead,
  type Envelope,
  encodeEnvelope,
  HEADER,
  HEADER_BYTES_RESERVED,
} from '../../../core/bus/envelope.ts';
import { type ChangeId, type Lineage, type Seq, sha256Of, toSdkKey } from '../../../core/ids.ts';
import type { Manifest } from '../../../core/record/manifest.ts';
import { bodyKey } from '../../../core/record/names.ts';

const sdkKey = toSdkKey('KEY1');
const PAYLOAD_BYTES_MAX = 1024 * 1024;

function manifestOf(body: Uint8Array, seq = 3): Manifest {
  const sha256 = sha256Of(body);
  return {
    schema: 1,
    lineage: 'l-1' as Lineage,
    sdkKey,
    projectId: '1',
    environment: 'production',
    seq: seq as Seq,
    revision: 41,
    sha256,
    bytes: body.byteLength,
    bodyKey: bodyKey(sdkKey, sha256),
    cause: 'webhook',
    changeId: 'c-1' as ChangeId,
    receivedAtMs: 1_700_000_000_000,
    publishedAtMs: 1_700_000_000_020,
    cdn: { etag: null, lastModifiedMs: null },
    pin: null,
    history: [],
  };
}

const reader = (envelope: Envelope) => (name: string) => envelope.headers[name] ?? '';

describe('the wire codec', () => {
  it('gives back the exact bytes and metadata of any body', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 4_000 }),
        fc.integer({ min: 1, max: 1e9 }),
        async (body, seq) => {
          const manifest = manifestOf(body, seq);
          const envelope = encodeEnvelope(manifest, await compressBody(body), PAYLOAD_BYTES_MAX);
          const head = decodeHead(reader(envelope));
          expect(head).toMatchObject({
            lineage: 'l-1',
            seq,
            revision: 41,
            bytes: body.byteLength,
            changeId: 'c-1',
            encoding: 'br',
          });
          expect(Buffer.compare(decodeBody(head, envelope.payload), body)).toBe(0);
        },
      ),
    );
  });

  it('becomes a pointer when the body does not fit the server', async () => {
    const body = randomBytes(8_000);
    const compressed = await compressBody(body);
    const fits = encodeEnvelope(manifestOf(body), compressed, compressed.byteLength + HEADER_BYTES_RESERVED);
    const tooLarge = encodeEnvelope(
      manifestOf(body),
      compressed,
      compressed.byteLength + HEADER_BYTES_RESERVED - 1,
    );
    expect(decodeHead(reader(fits)).encoding).toBe('br');
    expect(decodeHead(reader(tooLarge)).encoding).toBe('pointer');
    expect(tooLarge.payload.byteLength).toBe(0);
  });

  it('reads an identity body', () => {
    const body = new TextEncoder().encode('{"a":1}');
    const head = {
      ...decodeHead(reader(encodeEnvelope(manifestOf(body), body, PAYLOAD_BYTES_MAX))),
      encoding: 'identity' as const,
    };
    expect(decodeBody(head, body)).toBe(body);
  });

  it('notices any flipped bit', async () => {
    const body = new TextEncoder().encode(
      JSON.stringify({ flags: Array.from({ length: 50 }, (_, i) => `flag_${i}`) }),
    );
    const compressed = await compressBody(body);
    const envelope = encodeEnvelope(manifestOf(body), compressed, PAYLOAD_BYTES_MAX);
    const head = decodeHead(reader(envelope));
    fc.assert(
      fc.property(fc.nat(compressed.byteLength - 1), fc.integer({ min: 0, max: 7 }), (at, bit) => {
        const damaged = Uint8Array.from(compressed);
        damaged[at] = (damaged[at] as number) ^ (1 << bit);
        let decoded: Uint8Array | null = null;
        try {
          decoded = decodeBody(head, damaged);
        } catch (error) {
          expect(error).toMatchObject({ code: 'BODY_CORRUPT' });
        }
        // Brotli has spare bits that change nothing; what is let through must be the exact body.
        if (decoded !== null) expect(Buffer.compare(decoded, body)).toBe(0);
      }),
    );
  });

  it('stops a decompression bomb at the announced size', () => {
    const bomb = brotliCompressSync(new Uint8Array(50 * 1024 * 1024));
    const body = new TextEncoder().encode('{}');
    const head = decodeHead(reader(encodeEnvelope(manifestOf(body), body, PAYLOAD_BYTES_MAX)));
    expect(() => decodeBody(head, bomb)).toThrow('does not decompress to its announced 2 bytes');
  });

  it.each([
    [HEADER.lineage, ''],
    [HEADER.lineage, 'has space'],
    [HEADER.seq, '0'],
    [HEADER.seq, '-1'],
    [HEADER.seq, '1e3'],
    [HEADER.revision, 'x'],
    [HEADER.sha256, 'ABC'],
    [HEADER.encoding, 'gzip'],
    [HEADER.bytes, '999999999999'],
    [HEADER.changeId, 'line\nbreak'],
    [HEADER.receivedAt, ''],
    [HEADER.publishedAt, ''],
  ])('refuses a message whose %s is %j', (name, value) => {
    const body = new TextEncoder().encode('{}');
    const good = encodeEnvelope(manifestOf(body), body, PAYLOAD_BYTES_MAX);
    const bad = { ...good, headers: { ...good.headers, [name]: value } };
    expect(() => decodeHead(reader(bad))).toThrow(`missing or wrong ${name} header`);
  });
});
