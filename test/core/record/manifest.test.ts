import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Datafile, parseDatafile } from '../../../core/datafile/datafile.ts';
import { type ChangeId, type Lineage, type Seq, toSdkKey } from '../../../core/ids.ts';
import {
  type Arrival,
  advance,
  createManifest,
  HISTORY_MAX,
  type Manifest,
  pin,
  renewLineage,
  rollback,
  unpin,
} from '../../../core/record/manifest.ts';
import { decodeManifest, encodeManifest } from '../../../core/record/manifest-codec.ts';
import { isLaterLineage, SEQ_MAX } from '../../../core/version.ts';

const sdkKey = toSdkKey('KEY+/=1');
const lineage = 'lineage-1' as Lineage;

function datafile(revision: number, salt = ''): Datafile {
  const json = JSON.stringify({
    version: '4',
    revision: String(revision),
    projectId: '1',
    sdkKey,
    environmentKey: 'production',
    salt,
  });
  return parseDatafile(new TextEncoder().encode(json), { sdkKey });
}

function arrival(atMs: number, lastModifiedMs: number | null = atMs): Arrival {
  return {
    cause: 'webhook',
    changeId: `change-${atMs}` as ChangeId,
    receivedAtMs: atMs,
    publishedAtMs: atMs + 1,
    cdn: { etag: `"${atMs}"`, lastModifiedMs },
  };
}

function moved(current: Manifest, to: Datafile, at: Arrival): Manifest {
  const move = advance(current, to, at);
  if (move.kind !== 'advance' && move.kind !== 'refresh')
    throw new Error(`expected a move, got ${move.kind}`);
  return move.manifest;
}

describe('the manifest', () => {
  const first = createManifest(datafile(5), arrival(100), lineage);

  it('starts a lineage at seq 1 and points at its body', () => {
    expect(first).toMatchObject({ lineage, seq: 1, revision: 5, cause: 'webhook', pin: null });
    expect(first.bodyKey).toBe(`datafiles/KEY%2B%2F%3D1/bodies/${first.sha256}.json`);
    expect(first.history.map(({ seq }) => seq)).toEqual([1]);
  });

  it('advances to a higher revision with the next seq', () => {
    const next = moved(first, datafile(9), arrival(200));
    expect(next).toMatchObject({ lineage, seq: 2, revision: 9, changeId: 'change-200' });
    expect(next.history.map(({ seq, revision }) => [seq, revision])).toEqual([
      [2, 9],
      [1, 5],
    ]);
  });

  it('stays for the same bytes and for an older revision', () => {
    expect(advance(first, datafile(5), arrival(200)).kind).toBe('same');
    expect(advance(first, datafile(4), arrival(200)).kind).toBe('older');
  });

  it('refreshes equal revisions with other bytes only when they are newer', () => {
    expect(advance(first, datafile(5, 'regenerated'), arrival(200)).kind).toBe('refresh');
    expect(advance(first, datafile(5, 'regenerated'), arrival(200, 100)).kind).toBe('older');
    expect(advance(first, datafile(5, 'regenerated'), arrival(200, null)).kind).toBe('older');
  });

  it('goes back only on purpose: a rollback is a new seq, and pins', () => {
    const second = moved(first, datafile(6), arrival(200));
    const back = rollback(second, datafile(5), arrival(300), 'revision 6 broke checkout');
    expect(back).toMatchObject({ seq: 3, revision: 5, cause: 'rollback', sha256: first.sha256 });
    expect(back.pin).toEqual({ reason: 'revision 6 broke checkout', pinnedAtMs: 301 });
  });

  it('the manifest does not move while pinned, and moves again once unpinned', () => {
    const pinned = pin(first, 'freeze', 150);
    expect(pinned.seq).toBe(1);
    expect(advance(pinned, datafile(6), arrival(200)).kind).toBe('pinned');
    expect(moved(unpin(pinned), datafile(6), arrival(200)).seq).toBe(2);
  });

  it('renews its lineage for the same body, with history kept', () => {
    const renewed = renewLineage(pin(first, 'freeze', 150), 'lineage-2' as Lineage, arrival(400));
    expect(renewed).toMatchObject({ lineage: 'lineage-2', seq: 2, sha256: first.sha256, cause: 'restore' });
    expect(renewed.pin).not.toBeNull();
    expect(renewed.history).toHaveLength(2);
  });

  it('the manifest never skips or repeats a seq in its history, after any moves', () => {
    const step = fc.oneof(
      fc.record({
        do: fc.constant('advance' as const),
        revision: fc.integer({ min: 1, max: 30 }),
        salt: fc.constantFrom('', 'b'),
      }),
      fc.constantFrom({ do: 'pin' as const }, { do: 'unpin' as const }, { do: 'rollback' as const }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        let manifest = first;
        steps.forEach((action, i) => {
          const at = arrival(1_000 + i);
          if (action.do === 'pin') manifest = pin(manifest, 'test', i);
          else if (action.do === 'unpin') manifest = unpin(manifest);
          else if (action.do === 'rollback') manifest = rollback(manifest, datafile(5), at, 'test');
          else {
            const move = advance(manifest, datafile(action.revision, action.salt), at);
            if ('manifest' in move) {
              expect(move.manifest.revision).toBeGreaterThanOrEqual(manifest.revision);
              manifest = move.manifest;
            }
          }
        });
        const seqs = manifest.history.map(({ seq }) => seq as number);
        expect(seqs).toEqual(seqs.map((_, i) => manifest.seq - i));
        expect(seqs.length).toBe(Math.min(manifest.seq, HISTORY_MAX));
      }),
    );
  });

  it('goes on in a new lineage after the highest seq, which only a change from outside can set', () => {
    const full = { ...first, seq: SEQ_MAX as Seq };
    const next = moved(full, datafile(9), arrival(200));
    expect(next).toMatchObject({ seq: 1, revision: 9 });
    expect(isLaterLineage(next.lineage, full.lineage)).toBe(true);
    expect(decodeManifest(encodeManifest(next), sdkKey)).toEqual(next);
    expect(moved(next, datafile(10), arrival(300))).toMatchObject({ seq: 2, lineage: next.lineage });
  });

  it('the manifest does not believe a Last-Modified far in the future, on either side', () => {
    const future = Date.UTC(2199, 0);
    const stamped = moved(first, datafile(5, 'regenerated'), arrival(200));
    const poisoned = { ...stamped, cdn: { ...stamped.cdn, lastModifiedMs: future } };
    expect(advance(poisoned, datafile(5, 'again'), arrival(300)).kind).toBe('refresh');
    expect(advance(stamped, datafile(5, 'again'), arrival(300, future)).kind).toBe('older');
  });

  it('survives its own encoding', () => {
    expect(decodeManifest(encodeManifest(first), sdkKey)).toEqual(first);
  });

  it.each([
    ['another key', { sdkKey: 'other' }, 'sdkKey'],
    ['seq 0', { seq: 0 }, 'seq'],
    ['a short hash', { sha256: 'abc' }, 'sha256'],
    ['a body elsewhere', { bodyKey: 'datafiles/other/bodies/x.json' }, 'bodyKey'],
    ['an unknown schema', { schema: 2 }, 'schema'],
    ['no history', { history: null }, 'history'],
  ])('the manifest is refused with %s', (_, change, field) => {
    const bytes = new TextEncoder().encode(JSON.stringify({ ...first, ...change }));
    expect(() => decodeManifest(bytes, sdkKey)).toThrow(`The manifest of KEY+/=1 has a wrong "${field}"`);
  });

  it('the manifest is refused when it is not JSON', () => {
    expect(() => decodeManifest(new TextEncoder().encode('{"seq":'), sdkKey)).toThrow('is not JSON');
    expect(() => decodeManifest(new TextEncoder().encode('null'), sdkKey)).toThrow('has a wrong "schema"');
  });
});
