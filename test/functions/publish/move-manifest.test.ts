// Compare-and-swap under contention: every datafile that may move the manifest does so once, and seq has no gap.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDatafile } from '../../../core/datafile/datafile.ts';
import type { ChangeId } from '../../../core/ids.ts';
import { newLineage } from '../../../core/record/lineage.ts';
import {
  type Arrival,
  advance,
  type Manifest,
  pin,
  quarantine,
  renewLineage,
  rollback,
  unpin,
} from '../../../core/record/manifest.ts';
import {
  MANIFEST_ATTEMPTS_MAX,
  moveManifest,
  swapUntilSettled,
} from '../../../functions/publish/move-manifest.ts';
import { datafileOf, KEY } from '../../support/datafiles.ts';
import { type FakeDeps, fakeDeps } from '../../support/functions/fakes.ts';

let stamps = 0;
async function move(deps: FakeDeps, revision: number, salt = '', lastModifiedMs: number | null = null) {
  const datafile = parseDatafile(datafileOf(revision, { salt }), { sdkKey: KEY });
  const cdn = { etag: null, lastModifiedMs };
  const changeId = `c${++stamps}` as ChangeId;
  const current = await deps.record.readManifest(KEY);
  return moveManifest(deps, current, datafile, {
    cause: 'webhook',
    changeId,
    receivedAtMs: stamps,
    publishedAtMs: stamps,
    cdn,
  });
}

const datafileWith = ({ revision = 2, salt = '' }) =>
  parseDatafile(datafileOf(revision, { salt }), { sdkKey: KEY });

const arrivalAt = (lastModifiedMs: number | null): Arrival => ({
  ...{ cause: 'reconcile', changeId: 'of-others' as ChangeId, receivedAtMs: 1, publishedAtMs: 1 },
  cdn: { etag: null, lastModifiedMs },
});

/** As another writer moves it. */
function moved(found: Manifest, datafile: Parameters<typeof datafileWith>[0], lastModifiedMs = 1): Manifest {
  const move = advance(found, datafileWith(datafile), arrivalAt(lastModifiedMs));
  if (!('manifest' in move)) throw new Error(`does not move: ${move.kind}`);
  return move.manifest;
}

describe('moving the manifest', () => {
  it('begins a lineage, and keeps it', async () => {
    const deps = fakeDeps();
    const { lineage, seq } = (await move(deps, 1)).manifest;
    expect({ lineage, seq }).toEqual({ lineage: newLineage(deps.clock.nowMs(), 'id-1'), seq: 1 });
    expect((await move(deps, 2)).manifest).toMatchObject({ seq: 2, lineage });
  });

  it.each([
    ['same', 3, ''],
    ['older', 2, ''],
    ['older', 3, 'another edge'],
  ])('stays for what is %s (%#)', async (kind, revision, salt) => {
    const deps = fakeDeps();
    await move(deps, 3);
    expect((await move(deps, revision, salt)).kind).toBe(kind);
    expect(deps.record.swaps).toHaveLength(1);
  });

  it('stays while it is pinned', async () => {
    const deps = fakeDeps();
    const { manifest } = await move(deps, 1);
    deps.record.manifests.set(KEY, { manifest: pin(manifest, 'a bad week', 1), etag: '"pinned"' });
    expect((await move(deps, 2)).kind).toBe('pinned');
  });

  it('knows its own write when the answer to it was lost', async () => {
    const deps = fakeDeps();
    deps.record.losesSwapAnswer = true;
    expect((await move(deps, 1)).kind).toBe('moved');
    expect(deps.record.swaps).toHaveLength(1);
  });

  const later: Record<string, (found: Manifest) => Manifest> = {
    'a pin': (found) => pin(found, 'a bad week', 1),
    'a pin and its end': (found) => unpin(pin(found, 'a bad week', 1)),
    'a mark of quarantine': (found) =>
      quarantine(found, { share: 1, agents: 2, code: 'DATAFILE_UNLOADABLE', atMs: 1 }),
    'a refresh': (found) => moved(found, { salt: 'made again' }, 2_000),
    'a change': (found) => moved(found, { revision: 3 }),
    'a rollback': (found) => rollback(found, datafileWith({}), arrivalAt(null), 'a bad week'),
    'a new lineage': (found) => renewLineage(found, 'another' as Manifest['lineage'], arrivalAt(null)),
  };

  it.each(Object.entries(later))('knows its own write below %s', async (_, then) => {
    const deps = fakeDeps();
    await move(deps, 1);
    deps.record.losesSwapAnswer = true;
    deps.record.onSwapped = (manifest) =>
      deps.record.manifests.set(KEY, { manifest: then(manifest), etag: '"later"' });
    const outcome = await move(deps, 2);
    expect(outcome).toMatchObject({ kind: 'moved', written: { seq: 2, revision: 2 } });
    expect(outcome.manifest).toEqual(deps.record.headOf());
    expect(deps.record.swaps.map(({ seq }) => seq)).toEqual([1, 2]);
  });

  it('moving the manifest does not take the manifest of another writer with the same seq for its own', async () => {
    const deps = fakeDeps();
    const { manifest } = await move(deps, 1);
    const { swapManifest } = deps.record;
    // Another writer is first, with another mark on the same version.
    deps.record.swapManifest = async (...args) => {
      deps.record.swapManifest = swapManifest;
      deps.record.manifests.set(KEY, { manifest: { ...manifest }, etag: '"other"' });
      return swapManifest.apply(deps.record, args);
    };
    const current = deps.record.manifests.get(KEY) ?? null;
    const pinned = await swapUntilSettled(deps, KEY, current, (found) => ({
      kind: 'swap',
      manifest: pin(found ?? manifest, 'a bad week', 1),
    }));
    expect(pinned.kind).toBe('moved');
    expect(deps.record.headOf()).toMatchObject({ seq: 1, pin: { reason: 'a bad week' } });
  });

  it('gives up when others always win', async () => {
    const deps = fakeDeps();
    deps.record.swapManifest = async () => 'conflict';
    await expect(move(deps, 1)).rejects.toMatchObject({ code: 'MANIFEST_CONTENDED', retryable: true });
    expect(deps.counts.get('ManifestConflict')).toBe(MANIFEST_ATTEMPTS_MAX);
    const conflicts = deps.lines.filter(({ event }) => event === 'manifest.conflict');
    expect(conflicts).toHaveLength(MANIFEST_ATTEMPTS_MAX);
    expect(conflicts[0]).toMatchObject({ attempt: 1, seq: 1, revision: 1 });
  });
});

describe('twenty writers at once', () => {
  it('all settle, with the highest revision on top and no gap', async () => {
    const deps = fakeDeps();
    const moved = await Promise.all(Array.from({ length: 20 }, (_, i) => move(deps, i + 1)));
    expect(deps.record.headOf()).toMatchObject({ revision: 20, seq: deps.record.swaps.length });
    expect(moved.filter(({ kind }) => kind === 'moved')).toHaveLength(deps.record.swaps.length);
  });

  it('need no more attempts than there are, even when every one of them may move it', async () => {
    const deps = fakeDeps();
    await move(deps, 1);
    // Equal revisions with ever newer dates: each in its turn is a refresh.
    const writers = Array.from({ length: 20 }, (_, i) => move(deps, 1, `salt ${i}`, 1_000 + i));
    await Promise.all(writers);
    expect(deps.record.headOf()?.cdn.lastModifiedMs).toBe(1_019);
  });
});

it('with any revisions in any order, the head is the highest revision and its history has no gap', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 25 }),
      async (revisions) => {
        const deps = fakeDeps();
        await Promise.all(revisions.map((revision) => move(deps, revision)));
        const head = deps.record.headOf();
        expect(head?.revision).toBe(Math.max(...revisions));
        expect(head?.history.map(({ seq }) => seq)).toEqual(
          Array.from({ length: head?.seq ?? 0 }, (_, i) => (head?.seq ?? 0) - i),
        );
        expect(deps.record.swaps.map(({ revision }) => revision)).toEqual(
          deps.record.swaps.map(({ revision }) => revision).sort((a, b) => a - b),
        );
      },
    ),
    { numRuns: 60 },
  );
});
