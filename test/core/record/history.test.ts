// What agents may go back to under a head that they cannot use: named by the history, whole, and signed where versions are.

import { describe, expect, it } from 'vitest';
import type { ChangeId, Lineage } from '../../../core/ids.ts';
import { pastVersions } from '../../../core/record/history.ts';
import {
  advance,
  createManifest,
  HISTORY_MAX,
  type HistoryEntry,
  type Manifest,
  pin,
  resign,
} from '../../../core/record/manifest.ts';
import { decodeManifest, encodeManifest, MANIFEST_BYTES_MAX } from '../../../core/record/manifest-codec.ts';
import { KeyRing } from '../../../core/record/signature.ts';
import { datafileOf, KEY } from '../../agent/support/fakes.ts';
import { newKeys } from '../../support/functions/signing.ts';

const arrivalOf = (revision: number) => ({
  ...{
    cause: 'webhook',
    changeId: `change-${revision}` as ChangeId,
    receivedAtMs: 1,
    publishedAtMs: revision,
  },
  cdn: { etag: null, lastModifiedMs: null },
});

function published(count: number, touched: (manifest: Manifest) => Manifest = (it) => it): Manifest {
  let manifest = touched(createManifest(datafileOf(1), arrivalOf(1) as never, 'lineage-1' as Lineage));
  for (let revision = 2; revision <= count; revision++) {
    const move = advance(manifest, datafileOf(revision), arrivalOf(revision) as never);
    if (!('manifest' in move)) throw new Error(move.kind);
    manifest = touched(move.manifest);
  }
  return manifest;
}

describe('past versions', () => {
  it('past versions are those below the head, newest first', () => {
    const manifest = published(4);
    expect(pastVersions(manifest)).toEqual([3, 2, 1].map((seq) => ({ ...entryOf(manifest, seq) })));
    expect(
      pastVersions({ ...manifest, history: manifest.history.toReversed() }).map(({ seq }) => seq),
    ).toEqual([3, 2, 1]);
    expect(pastVersions(published(1))).toEqual([]);
  });

  const odd: [string, unknown][] = [
    ['nothing', null],
    ['a text', 'seq 3'],
    ['of seq 0', { seq: 0 }],
    ['at the head', { seq: 4 }],
    ['above the head', { seq: 9 }],
    ['without a hash', { sha256: 'x' }],
    ['of no revision', { revision: '3' }],
    ['of no change', { changeId: '' }],
    ['of no time', { publishedAtMs: null }],
    ['with a signature that is none', { signature: 7 }],
    ['with an endless signature', { signature: 'x'.repeat(10_000) }],
  ];
  it.each(odd)('leave out an entry that is %s, and no other', (_, what) => {
    const manifest = published(4);
    const wrong = what !== null && typeof what === 'object' ? { ...entryOf(manifest, 3), ...what } : what;
    const history = manifest.history.map((it) => (it.seq === 3 ? (wrong as HistoryEntry) : it));
    // Read as agents read it: one odd entry does not cost them the head.
    const read = decodeManifest(encodeManifest({ ...manifest, history }), KEY);
    expect(pastVersions(read).map(({ seq }) => seq)).toEqual([2, 1]);
  });
});

describe('signed past versions', () => {
  const keys = newKeys();
  const ring = new KeyRing([keys.key.publicKey]);
  const isSigned = (manifest: Manifest, by = ring) =>
    pastVersions(manifest).map(({ signature = '', ...version }) =>
      by.signed({ ...version, sdkKey: manifest.sdkKey }, signature),
    );

  it('carry the signature that they had as the head', () => {
    const manifest = published(4, keys.seal);
    expect(isSigned(manifest)).toEqual([true, true, true]);
    expect(isSigned({ ...manifest, lineage: 'another' as Lineage })).toEqual([false, false, false]);
    expect(ring.sealed(decodeManifest(encodeManifest(manifest), KEY))).toBe(true);
  });

  it('signed past versions keep their signature through pins, and through another key', () => {
    const next = newKeys();
    const pinned = keys.seal(pin(published(3, keys.seal), 'a bad week', 1));
    const resigned = next.seal(resign(pinned, arrivalOf(3) as never));
    expect(isSigned(resigned)).toEqual([true, true, true]);
    const onlyNext = new KeyRing([next.key.publicKey]);
    expect(isSigned(resigned, onlyNext)).toEqual([false, false, false]);
    expect(onlyNext.sealed(resigned)).toBe(true);
  });

  it('past versions from before the publisher signed have no signature', () => {
    const manifest = published(3);
    const move = advance(keys.seal(manifest), datafileOf(4), arrivalOf(4) as never);
    if (!('manifest' in move)) throw new Error(move.kind);
    expect(isSigned(move.manifest)).toEqual([true, false, false]);
  });

  it('leave the manifest far within its limit, however many there were', () => {
    const { byteLength } = encodeManifest(published(HISTORY_MAX + 20, keys.seal));
    expect(byteLength).toBeGreaterThan(12 * 1024);
    expect(byteLength).toBeLessThan(MANIFEST_BYTES_MAX / 2);
  });
});

const entryOf = ({ history, lineage }: Manifest, seq: number) => ({
  ...(history.find((it) => it.seq === seq) as HistoryEntry),
  lineage,
});
